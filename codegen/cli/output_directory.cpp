#include "codegen/cli/output_directory.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

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

Status write_file(const fs::path& path, const std::string& contents) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return system_error("cannot create {}: {}", path.parent_path().string(), error.message());
  std::ofstream out(path, std::ios::binary);
  out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  out.close();
  if (!out) return system_error("cannot write {} ({} bytes)", path.string(), contents.size());
  return {};
}

}  // namespace

Status write_files(const std::string& directory, std::span<const OutputFile> files) {
  const fs::path root(directory);
  const StagingFolder staging(root);
  for (const OutputFile& file : files) {
    if (interrupted()) return system_error("interrupted");
    if (Status s = write_file(staging.path / file.name, file.contents); !s) return s;
  }
  for (const OutputFile& file : files) {
    std::error_code error;
    fs::create_directories((root / file.name).parent_path(), error);
    if (!error) fs::rename(staging.path / file.name, root / file.name, error);
    if (error) return system_error("cannot write {}: {}", (root / file.name).string(), error.message());
  }
  return {};
}

}  // namespace espalier::cli
