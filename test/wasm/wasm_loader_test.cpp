// The npm package's own tests, under node's test runner.
#include <gtest/gtest.h>

#include "node_runner.h"

namespace espalier::test {
namespace {

TEST(JavaScriptLoader, PassesItsTests) {
  const auto node = node_with("simd128");
  if (!node) GTEST_SKIP() << "no node in PATH and none named by ESPALIER_NODE";
  EXPECT_EQ(run_script(*node, "loader_test.mjs"), "");
}

}  // namespace
}  // namespace espalier::test
