// A folder for the files of one test.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace espalier::test {

/// A new folder in the system's temporary folder, gone with its owner and with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

  /// Writes a file, and the folders it is in; returns its path.
  std::string write(const std::string& name, const std::string& contents) const;
  /// What a file holds; one that is not there fails the test.
  std::string read(const std::string& name) const;
  /// Relative paths and contents of all files under `name`; folders have a path that ends in '/'.
  std::map<std::string, std::string> files(const std::string& name = ".") const;

 private:
  std::filesystem::path path_;
};

/// What a file holds; nothing if it is not there.
std::string contents_of(const std::filesystem::path& file);

}  // namespace espalier::test
