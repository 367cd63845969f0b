// What `espalier run --json` writes, also of outputs that are wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "llvm/Support/JSON.h"
#include "running_program.h"

namespace espalier::test {
namespace {

constexpr const char* kMatrix =
    "%%MatrixMarket matrix coordinate real general\n"
    "2 2 3\n"
    "1 1 0.5\n"
    "1 2 1\n"
    "2 2 2\n";

/// The table of `run --check` when one output is `value`; expects the exit code of a failed check.
llvm::json::Object row_with_output(float value) {
  const TemporaryFolder folder;
  folder.write("layer.mtx", kMatrix);
  EXPECT_EQ(espalier_in(folder, words("run layer.mtx --pixels 3 --write-data data")).exit_code, 0);
  std::string y = contents_of(folder.path() / "data/layer.y.f32");
  std::memcpy(y.data(), &value, sizeof value);
  folder.write("data/layer.y.f32", y);
  const Outcome ran = espalier_in(folder, words("run layer.mtx --pixels 3 --check data --json table.json"));
  EXPECT_EQ(ran.exit_code, 1) << ran.err;
  EXPECT_THAT(ran.out, testing::HasSubstr("WRONG"));
  auto table = llvm::json::parse(contents_of(folder.path() / "table.json"));
  if (!table) {
    ADD_FAILURE() << "no JSON: " << llvm::toString(table.takeError());
    return {};
  }
  return *table->getAsArray()->front().getAsObject();
}

TEST(RunJson, GivesTheErrorOfAWrongOutput) {
  const auto row = row_with_output(1e6f);
  ASSERT_NE(row.get("error"), nullptr);
  EXPECT_GT(row.getNumber("error").value_or(0), 1.0);
}

TEST(RunJson, GivesNullForAnErrorThatIsNotFinite) {
  for (const float value : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    const auto row = row_with_output(value);
    ASSERT_NE(row.get("error"), nullptr) << value;
    EXPECT_EQ(row.get("error")->kind(), llvm::json::Value::Null) << value;
  }
}

}  // namespace
}  // namespace espalier::test
