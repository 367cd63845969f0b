// run, bench, inspect and targets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llvm/Support/JSON.h"
#include "running_program.h"
#include "sample_inputs.h"
#include "tflite_graphs.h"

namespace espalier::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    found.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return found;
}

struct Verbs : testing::Test {
  Verbs() {
    folder.write("model.tflite", small_model());
    folder.write("net.npz", layers_file(3, 8, 10));
    folder.write("w.mtx", small_matrix());
  }
  Outcome espalier(const std::string& arguments) const { return espalier_in(folder, words(arguments)); }
  TemporaryFolder folder;
};

TEST_F(Verbs, RunAgreesWithTheReference) {
  const Outcome done = espalier("run net.npz --pixels 37");
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(lines(done.out).size(), 5u);
  EXPECT_THAT(done.out, EndsWith("3 kernels, 3 within the error bound of the reference\n"));
}

TEST_F(Verbs, RunTakesPixelsAndClampFromTheModel) {
  const Outcome done = espalier("run model.tflite --kernels");
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(lines(done.out).at(1), testing::ContainsRegex(" 4x6 +35 +7 "));
}

TEST_F(Verbs, RunAgreesWithPixelsLeftToRunTimeAndStrides) {
  const Outcome done = espalier("run net.npz --pixels any:37 --input-stride auto --output-stride 50 --clamp -1,2");
  EXPECT_EQ(done.exit_code, 0) << done.err;
}

TEST_F(Verbs, RunColumnsEndWhereTheirTitlesEnd) {
  const std::vector<std::string> table = lines(espalier("run net.npz --pixels 37").out);
  ASSERT_EQ(table.size(), 5u);
  for (size_t row = 1; row < 4; ++row) EXPECT_EQ(table[row].size(), table[0].size());
}

TEST_F(Verbs, CheckAcceptsWhatWriteDataWrote) {
  ASSERT_EQ(espalier("run net.npz --pixels 37 --write-data data").exit_code, 0);
  EXPECT_EQ(folder.read("data/layer0.x.f32").size(), 10u * 37 * 4);
  EXPECT_EQ(folder.read("data/layer0.y.f32").size(), 8u * 37 * 4);
  const Outcome done = espalier("run net.npz --pixels 37 --check data");
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, EndsWith("3 kernels, 3 within the error bound of the reference\n"));
}

TEST_F(Verbs, CheckRefusesACorruptedOutput) {
  ASSERT_EQ(espalier("run net.npz --pixels 37 --write-data data").exit_code, 0);
  std::string bytes = folder.read("data/layer1.y.f32");
  bytes.at(4 * 40 + 3) ^= 0x01;  // the exponent of one output
  folder.write("data/layer1.y.f32", bytes);
  const Outcome done = espalier("run net.npz --pixels 37 --check data");
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(lines(done.out).at(2), EndsWith("  WRONG"));
  EXPECT_THAT(done.out, EndsWith("3 kernels, 2 within the error bound of the reference\n"));
}

TEST_F(Verbs, CheckRefusesNan) {
  ASSERT_EQ(espalier("run w.mtx --pixels 4 --write-data data").exit_code, 0);
  std::string bytes = folder.read("data/w.y.f32");
  bytes.replace(0, 4, std::string("\x00\x00\xc0\x7f", 4));
  folder.write("data/w.y.f32", bytes);
  EXPECT_EQ(espalier("run w.mtx --pixels 4 --check data").exit_code, 1);
}

TEST_F(Verbs, CheckNeedsTheSameSeed) {
  ASSERT_EQ(espalier("run w.mtx --pixels 20 --write-data data --seed 5").exit_code, 0);
  EXPECT_EQ(espalier("run w.mtx --pixels 20 --check data --seed 5").exit_code, 0);
  EXPECT_EQ(espalier("run w.mtx --pixels 20 --check data --seed 6").exit_code, 1);
}

TEST_F(Verbs, RunWritesItsTableAsJson) {
  ASSERT_EQ(espalier("run net.npz --pixels 37 --json deep/table.json").exit_code, 0);
  auto json = llvm::json::parse(folder.read("deep/table.json"));
  ASSERT_TRUE(static_cast<bool>(json));
  ASSERT_EQ(json->getAsArray()->size(), 3u);
  const llvm::json::Object& row = *json->getAsArray()->front().getAsObject();
  EXPECT_EQ(row.getString("name"), "layer0");
  EXPECT_EQ(row.getInteger("output_channels"), 8);
  EXPECT_EQ(row.getInteger("input_channels"), 10);
  EXPECT_EQ(row.getInteger("pixels"), 37);
  EXPECT_LE(row.getNumber("error").value_or(9), 1);
  for (const char* field :
       {"input_stride", "output_stride", "nonzeros", "code_bytes", "weight_bytes", "compile_ms", "gflops"})
    EXPECT_TRUE(row.getNumber(field).has_value()) << field;
  EXPECT_EQ(folder.files("deep").size(), 1u) << "only the table stays";
}

TEST_F(Verbs, RunPutsProgressOnStandardErrorOnly) {
  const Outcome done = espalier("run net.npz --pixels 37 -j1");
  EXPECT_THAT(done.out, testing::Not(HasSubstr("[1/3]")));
  EXPECT_EQ(lines(done.err).size(), 3u);
  EXPECT_THAT(done.err, HasSubstr("[3/3] layer2 8x10 in "));
}

TEST_F(Verbs, BenchPrintsOneRowPerKernel) {
  const Outcome done = espalier("bench net.npz --select 1 --pixels 20 --seconds 0.01 --schedule unrolled");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  ASSERT_EQ(lines(done.out).size(), 3u);
  for (const char* title : {"GFLOP/s", "p10..p90", "% peak", "stream", "% bound", "code/nz", "weights/nz", "schedule"})
    EXPECT_THAT(lines(done.out)[0], HasSubstr(title));
  EXPECT_THAT(lines(done.out)[1], testing::ContainsRegex("^layer1 +8x10 +20 +"));
  EXPECT_EQ(lines(done.out)[0].find("  schedule"),
            lines(done.out)[1].find(":rows=") - std::string("unrolled").size() - 2);
}

TEST_F(Verbs, ExplainNamesFormReasonCostAndAlternatives) {
  const Outcome done = espalier(
      "explain net.npz --select 1 --pixels 20 --target aarch64-linux --input-panel auto --output-panel auto --json "
      "e.json");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  for (const char* part : {"layer1: 8x10, 20 pixels", "  form ", "predicted to be", "  layout     input panels of ",
                           "us on cortex-a76", "bound by ", "bytes per non-zero", "non-zeros per input load",
                           "  instead ", "  priced     ", "as LLVM's model of neoverse-n1 has it"})
    EXPECT_THAT(done.out, HasSubstr(part));
  const std::string json = contents_of(folder.path() / "e.json");
  for (const char* key : {"\"kernels\"", "\"reason\"", "\"bound_by\"", "\"others\"", "\"nonzeros_per_input_load\"",
                          "\"cycles_per_multiply_add\""})
    EXPECT_THAT(json, HasSubstr(key));
  EXPECT_THAT(espalier("explain net.npz --select 1 --pixels 20 --target wasm32").out,
              testing::Not(HasSubstr("priced")));
}

TEST_F(Verbs, RunChecksRowsInTheOrderOfTheClusters) {
  const std::string options = " --pixels 37 --schedule unrolled:rows=2,cluster=1 --output-order clustered";
  EXPECT_EQ(espalier("run net.npz" + options + " --write-data data").exit_code, 0);
  ASSERT_EQ(espalier("compile net.npz" + options + " -o out --emit manifest").exit_code, 0);
  EXPECT_THAT(contents_of(folder.path() / "out/manifest.json"), HasSubstr("--output-order clustered"));
  EXPECT_EQ(espalier("run net.npz --pixels 37 --check data --manifest out/manifest.json").exit_code, 0);
  EXPECT_EQ(espalier("run net.npz --pixels 37 --check data").exit_code, 1) << "rows are not where their channels are";
  EXPECT_EQ(espalier("run net.npz --pixels 37 --manifest out/manifest.json").exit_code, 2);
  ASSERT_EQ(espalier("compile net.npz --select 1 --pixels 37 -o one --emit manifest").exit_code, 0);
  EXPECT_THAT(espalier("run net.npz --pixels 37 --check data --manifest one/manifest.json").err,
              HasSubstr("one/manifest.json: has no kernel layer"));
  EXPECT_THAT(espalier("run net.npz --pixels 37 --check data --manifest net.npz").err,
              HasSubstr("net.npz: is no JSON"));
  EXPECT_THAT(espalier("run net.npz --output-order sorted --pixels 3").err,
              HasSubstr("--output-order is 'sorted', but must be natural or clustered"));
}

TEST_F(Verbs, ExplainShowsTheParts) {
  const Outcome done = espalier("explain net.npz --select 1 --pixels 20 --schedule loop+dense:least=30 --json e.json");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("+dense:least=30,"));
  for (const char* part : {"  part       dense: ", "  part       loop: "}) EXPECT_THAT(done.out, HasSubstr(part));
  for (const char* key : {"\"parts\"", "\"rows\"", "\"nonzeros_per_input_load_unclustered\"", "\"output_order\": null"})
    EXPECT_THAT(contents_of(folder.path() / "e.json"), HasSubstr(key));
}

TEST_F(Verbs, BudgetsAndTuningKeepTheAnswerRight) {
  for (const char* options : {"-Os", "--max-code-bytes 1", "--max-code-bytes 10000000", "--tune --tune-cache cache",
                              "--tune --tune-cache cache --input-panel auto --output-panel auto"})
    EXPECT_EQ(espalier(std::string("run net.npz --pixels 37 ") + options).exit_code, 0) << options;
  EXPECT_FALSE(folder.files("cache").empty());
  EXPECT_EQ(espalier("run net.npz --pixels 37 --tune --tune-cache cache -Os").exit_code, 3);
  // Other machines' code is priced, not timed; engines have no model.
  EXPECT_EQ(espalier("compile net.npz --pixels 37 --tune --tune-cache none --target aarch64-linux -o a64").exit_code,
            0);
  EXPECT_TRUE(folder.files("none").empty());
  EXPECT_NE(espalier("compile net.npz --pixels 37 --tune --target wasm32 -o wasm").exit_code, 0);
}

TEST_F(Verbs, InspectListsEveryWeight) {
  const Outcome done = espalier("inspect net.npz");
  EXPECT_EQ(done.exit_code, 0);
  ASSERT_EQ(lines(done.out).size(), 4u);
  EXPECT_THAT(lines(done.out)[2], testing::ContainsRegex("^ +1 .* 8x10 .*  layer1$"));
  EXPECT_EQ(done.err, "");
  EXPECT_THAT(lines(espalier("inspect model.tflite").out).at(1), testing::ContainsRegex("^ +0 .* 7 "));
}

TEST_F(Verbs, InspectPrintsANetworkLayerByLayer) {
  folder.write("network.tflite", tflite_file(small_network_model()));
  const std::vector<std::string> table = lines(espalier("inspect network.tflite --network").out);
  ASSERT_EQ(table.size(), 18u);  // titles, input, 14 layers, output, sum
  EXPECT_EQ(table[1].substr(0, 62), " input    %0                                          1x4x4x2 ");
  EXPECT_THAT(table[3],
              testing::ContainsRegex("^     1    %2 convolution relu6 +1x4x4x2 +36 +0.0% +576 +576  layer <- %1$"));
  EXPECT_THAT(table[7], testing::ContainsRegex("^     5    %6 multiply +1x2x2x2 +layer <- %3 %5$"));
  EXPECT_THAT(table[17], testing::ContainsRegex("^ +all layers +86 +0.0% +680 +680"));
}

TEST_F(Verbs, InspectPrintsASimplifiedNetwork) {
  folder.write("network.tflite", tflite_file(small_network_model()));
  const Outcome done = espalier("inspect network.tflite --network --simplify");
  EXPECT_EQ(lines(done.out).size(), 16u);
  EXPECT_THAT(done.out, testing::Not(HasSubstr(" pad ")));
}

TEST_F(Verbs, InspectRefusesNetworksThatItCannotRead) {
  const Outcome bad = espalier("inspect net.npz --network");
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_THAT(bad.err, HasSubstr("net.npz: is of no known network format (.tflite, .onnx)"));
  EXPECT_EQ(espalier("inspect net.npz --simplify").exit_code, 2);
}

TEST_F(Verbs, TargetsListsAllOrOne) {
  const std::string all = espalier("targets").out, one = espalier("targets --target wasm32").out;
  for (const char* name : {"x86_64-linux", "x86_64-macos", "aarch64-linux", "aarch64-macos", "wasm32", "c99"})
    EXPECT_THAT(all, HasSubstr(std::string("\n") + name + " "));
  EXPECT_EQ(lines(one).size(), 6u) << one;
  EXPECT_THAT(one, testing::ContainsRegex("\nhost is [a-z0-9_-]+ [a-z0-9-]+\n$"));
}

}  // namespace
}  // namespace espalier::test
