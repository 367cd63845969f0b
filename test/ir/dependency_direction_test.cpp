// Dependencies point one way: cli -> codegen -> backends -> ir; the runtime sees its own headers and the C library
// only.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

namespace espalier {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = ESPALIER_SOURCE_DIR;

/// One #include of one file under a folder of the project.
struct Include {
  std::string file, name;
  bool quoted;
};

bool is_source(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".h" || extension == ".cpp" || extension == ".c" || extension == ".hpp" || extension == ".cc";
}

void scan_file(const fs::path& path, std::vector<Include>& includes) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::ifstream in(path);
  std::smatch match;
  for (std::string line; std::getline(in, line);)
    if (std::regex_search(line, match, kInclude))
      includes.push_back({fs::relative(path, kRoot).string(), match[2], match[1] == "\""});
}

std::vector<Include> includes_under(const std::string& folder) {
  std::vector<Include> includes;
  if (!fs::exists(kRoot / folder)) return includes;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder))
    if (entry.is_regular_file() && is_source(entry.path())) scan_file(entry.path(), includes);
  return includes;
}

/// Lines "file includes name" for every include under `folder`, but not under `except`, whose name begins with a
/// prefix.
std::string offenders(const std::string& folder, const std::string& except, const std::vector<std::string>& prefixes) {
  std::string lines;
  for (const Include& include : includes_under(folder)) {
    if (!except.empty() && include.file.starts_with(except)) continue;
    for (const std::string& prefix : prefixes)
      if (include.name.starts_with(prefix)) lines += include.file + " includes " + include.name + "\n";
  }
  return lines;
}

TEST(Dependencies, IrIncludesNothingAboveItAndNoLlvm) {
  ASSERT_GT(includes_under("ir").size(), 20u);
  EXPECT_EQ(offenders("ir", "", {"backends/", "codegen/", "bench/", "test/", "llvm/", "llvm-c/", "lld/", "clang/"}),
            "");
}

TEST(Dependencies, BackendsIncludeNothingFromCodegen) {
  ASSERT_GT(includes_under("backends").size(), 5u);
  EXPECT_EQ(offenders("backends", "", {"codegen/", "bench/", "test/"}), "");
}

TEST(Dependencies, CodegenIncludesNothingFromTheCommandLine) {
  EXPECT_EQ(offenders("codegen", "codegen/cli/", {"codegen/cli/", "CLI/", "bench/", "test/"}), "");
}

TEST(Dependencies, OnlyBackendsAndTheCodeGeneratorsReportsMaySeeLlvm) {
  for (const char* folder : {"ir", "runtime", "codegen/passes"})
    EXPECT_EQ(offenders(folder, "", {"llvm/", "llvm-c/", "lld/"}), "");
}

TEST(Dependencies, TheRuntimeIncludesItsOwnHeadersAndTheCLibraryOnly) {
  static const std::set<std::string> kCLibrary = {"stdarg.h", "stdint.h",   "stddef.h",   "stdio.h",    "stdlib.h",
                                                  "string.h", "stdbool.h",  "limits.h",   "dlfcn.h",    "cpuid.h",
                                                  "errno.h",  "pthread.h",  "windows.h",  "sys/auxv.h", "unistd.h",
                                                  "sched.h",  "inttypes.h", "stdatomic.h"};
  size_t count = 0;
  for (const Include& include : includes_under("runtime")) {
    if (include.file.starts_with("runtime/python/") || include.file.starts_with("runtime/js/")) continue;
    ++count;
    if (include.quoted)
      EXPECT_TRUE(include.name.starts_with("espalier/")) << include.file << ": " << include.name;
    else
      EXPECT_TRUE(kCLibrary.contains(include.name)) << include.file << ": " << include.name;
  }
  EXPECT_GT(count, 5u);
}

}  // namespace
}  // namespace espalier
