// What docs/ shows must be true: the program in docs/kernel-program.md reads, verifies and prints as it stands there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "ir/kernel_program.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

std::string contents_of(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The fenced blocks that begin with the header of a kernel program.
std::vector<std::string> fenced_programs(const std::string& markdown) {
  std::vector<std::string> blocks;
  constexpr std::string_view kOpen = "```text\n", kClose = "```\n";
  for (size_t at = 0; (at = markdown.find(kOpen, at)) != std::string::npos;) {
    const size_t start = at + kOpen.size(), end = markdown.find(kClose, start);
    if (end == std::string::npos) break;
    const std::string block = markdown.substr(start, end - start);
    if (block.starts_with("espalier-kernel-program ")) blocks.push_back(block);
    at = end + kClose.size();
  }
  return blocks;
}

const fs::path kDocs = fs::path(ESPALIER_SOURCE_DIR) / "docs";

TEST(Documentation, KernelProgramsInItVerifyAndPrintAsTheyStand) {
  const auto programs = fenced_programs(contents_of(kDocs / "kernel-program.md"));
  ASSERT_FALSE(programs.empty());
  for (const std::string& text : programs) {
    const auto program = parse_kernel_program(text);
    ASSERT_TRUE(program) << program.error().message;
    const Status status = verify(*program);
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_EQ(print(*program), text);
  }
}

TEST(Documentation, EveryOperationIsDescribed) {
  const std::string text = contents_of(kDocs / "kernel-program.md");
  for (int code = 0; code < kOpCount; ++code) {
    const std::string name(op_info(static_cast<Op>(code)).name);
    const bool is_described = text.find("| `" + name + " ") != std::string::npos ||
                              text.find("| `" + name + "`") != std::string::npos;
    EXPECT_TRUE(is_described) << name << " has no row in the table of operations";
  }
}

TEST(Documentation, EveryDecisionIsInTheIndex) {
  const std::string index = contents_of(kDocs / "README.md");
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(kDocs / "decisions")) {
    const std::string name = entry.path().filename().string();
    EXPECT_NE(index.find("decisions/" + name), std::string::npos) << name;
    ++count;
  }
  EXPECT_GE(count, 6u);
}

}  // namespace
}  // namespace espalier
