#include "test/support/temporary_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

namespace espalier::test {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  std::string name = fs::temp_directory_path() / "espalier-test-XXXXXX";
  if (!mkdtemp(name.data())) throw std::system_error(errno, std::generic_category(), name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& contents) const {
  const fs::path file = path_ / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << contents;
  return file.string();
}

std::string TemporaryFolder::read(const std::string& name) const {
  EXPECT_TRUE(fs::exists(path_ / name)) << name;
  return contents_of(path_ / name);
}

std::map<std::string, std::string> TemporaryFolder::files(const std::string& name) const {
  std::map<std::string, std::string> found;
  if (!fs::exists(path_ / name)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(path_ / name)) {
    const std::string relative = fs::relative(entry.path(), path_ / name).string();
    if (entry.is_directory())
      found[relative + "/"];
    else
      found[relative] = contents_of(entry.path());
  }
  return found;
}

std::string contents_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace espalier::test
