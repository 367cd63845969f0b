// The built command line, run as a user runs it.
#pragma once

#include <filesystem>
#include <string>

namespace espalier::test {

struct Ran {
  int status = -1;
  std::string out, err;
};

/// Runs `espalier ARGUMENTS` through the shell, in a folder.
Ran espalier(const std::filesystem::path& folder, const std::string& arguments);

/// A folder that goes away with its owner.
class Folder {
 public:
  Folder();
  ~Folder();
  std::filesystem::path path() const { return path_; }
  void write(const std::string& name, const std::string& contents) const;

 private:
  std::filesystem::path path_;
};

std::string contents_of(const std::filesystem::path& file);

}  // namespace espalier::test
