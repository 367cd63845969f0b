// `espalier compile --emit asm`, for every target that has code.
#include <gtest/gtest.h>

#include "running_program.h"

namespace espalier::test {
namespace {

constexpr const char* kMatrix =
    "%%MatrixMarket matrix coordinate real general\n"
    "2 2 3\n"
    "1 1 0.5\n"
    "1 2 1\n"
    "2 2 2\n";

TEST(Listing, IsTheOnlyFileAndLabelsEveryChunk) {
  const TemporaryFolder folder;
  folder.write("layer.mtx", kMatrix);
  for (const std::string target : {"x86_64-linux", "x86_64-macos", "aarch64-linux", "aarch64-macos", "wasm32"}) {
    const Outcome ran =
        espalier_in(folder, words("compile layer.mtx --pixels 49 --emit asm -o " + target + " --target " + target));
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path() / target))
      EXPECT_EQ(entry.path().filename(), "layer.s");
    EXPECT_NE(contents_of(folder.path() / target / "layer.s").find("layer.chunk.0:  ; "), std::string::npos) << target;
  }
}

TEST(Listing, IsNotThereForC) {
  const TemporaryFolder folder;
  folder.write("layer.mtx", kMatrix);
  const Outcome ran = espalier_in(folder, words("compile layer.mtx --pixels 49 --emit asm -o c --target c99"));
  EXPECT_EQ(ran.exit_code, 5);
  EXPECT_EQ(ran.err, "espalier: target c99 has no asm to emit\n");
}

}  // namespace
}  // namespace espalier::test
