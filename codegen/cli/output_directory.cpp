#include "codegen/cli/output_directory.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "codegen/cli/progress.h"

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

/// A folder that goes away with its owner.
struct StagingFolder {
  explicit StagingFolder(const fs::path& directory) : path(directory / fmt::format(".espalier-{}", getpid())) {}
  ~StagingFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

Status make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return system_error("cannot create {}: {}", path.string(), error.message());
  return {};
}

/// Folders that go away with their maker if it made them and nothing is in them, unless it says to keep them.
class NewFolders {
 public:
  NewFolders() = default;
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;
  ~NewFolders() {
    std::error_code ignored;
    for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) fs::remove(*folder, ignored);
  }

  Status make(const fs::path& path) {
    std::vector<fs::path> missing;
    std::error_code ignored;
    for (fs::path p = path; !p.empty() && !fs::exists(p, ignored); p = p.parent_path()) missing.push_back(p);
    made_.insert(made_.end(), missing.rbegin(), missing.rend());
    return make_directory(path);
  }
  void keep() { made_.clear(); }

 private:
  std::vector<fs::path> made_;  // outer ones first
};

/// What would make a rename fail has to show before the first one, or old and new files would stand side by side.
Status check_places(const fs::path& root, std::span<const OutputFile> files, NewFolders& folders) {
  for (const OutputFile& file : files) {
    const fs::path place = root / file.name;
    if (Status s = folders.make(place.parent_path()); !s) return s;
    if (fs::is_directory(place)) return system_error("cannot write {}: Is a directory", place.string());
  }
  return {};
}

Status write_file(const fs::path& path, const std::string& contents) {
  if (Status s = make_directory(path.parent_path()); !s) return s;
  std::ofstream out(path, std::ios::binary);
  out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  out.close();
  if (!out) return system_error("cannot write {} ({} bytes)", path.string(), contents.size());
  return {};
}

}  // namespace

Status write_files(const std::string& directory, std::span<const OutputFile> files) {
  const HeldInterrupts held;
  const fs::path root(directory);
  if (interrupted()) return system_error("interrupted");
  NewFolders folders;
  if (Status s = folders.make(root); !s) return s;
  const StagingFolder staging(root);
  for (const OutputFile& file : files) {
    if (interrupted()) return system_error("interrupted");
    if (Status s = write_file(staging.path / file.name, file.contents); !s) return s;
  }
  if (Status s = check_places(root, files, folders); !s) return s;
  for (const OutputFile& file : files) {
    std::error_code error;
    fs::rename(staging.path / file.name, root / file.name, error);
    if (error) return system_error("cannot write {}: {}", (root / file.name).string(), error.message());
  }
  folders.keep();
  return {};
}

}  // namespace espalier::cli
