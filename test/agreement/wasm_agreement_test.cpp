// WebAssembly modules under Node. How relaxed SIMD rounds is the engine's choice, so those bits have to be the
// interpreter's with one rounding or with two, the same throughout a call.
#include <gtest/gtest.h>

#include <cstring>

#include "backends/wasm/wasm_module.h"
#include "test/agreement/random_case.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

constexpr uint32_t kShards = 2, kCasesPerShard = 2000, kBatch = 200;
constexpr uint64_t kMostWork = 30'000;

struct Isa {
  const char* cpu;
  const char* feature;
};
constexpr Isa kIsas[] = {{"simd128", "simd128"}, {"relaxed", "relaxed-simd"}};

struct Batch {
  std::vector<RandomCase> cases;
  std::vector<KernelProgram> programs;
  std::vector<NodeCall> calls;
};

Batch random_batch(const Target& target, uint64_t first_seed, uint32_t count) {
  Batch batch;
  for (uint32_t i = 0; i < count; ++i) {
    batch.cases.push_back(random_case(target, first_seed + i, fmt::format("kernel_{}", i), kMostWork));
    const RandomCase& c = batch.cases.back();
    batch.programs.push_back(compiled(c, target));
    batch.calls.push_back(
        {.kernel = c.spec.name, .pixels = c.pixels, .x = random_input(c, first_seed + i), .y = untouched_output(c)});
  }
  return batch;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// The same program, but every product rounded on its own.
KernelProgram rounding_twice(KernelProgram program) {
  static VectorIsa isa;
  isa = *program.target.vector;
  isa.arithmetic = Arithmetic::kMulAdd;
  program.target.vector = &isa;
  return program;
}

void expect_answer(const RandomCase& c, const KernelProgram& program, const NodeCall& call) {
  const std::vector<float> wanted = interpreted_output(c, program, call.x);
  if (program.target.vector->arithmetic == Arithmetic::kFma && !same_bits(call.y, wanted))
    return expect_same_bits(c, call.y, interpreted_output(c, rounding_twice(program), call.x));
  expect_same_bits(c, call.y, wanted);
}

class WasmAgreement : public testing::TestWithParam<uint32_t> {};

TEST_P(WasmAgreement, RandomKernelsGiveTheInterpretersBits) {
  const Isa& isa = kIsas[GetParam() % std::size(kIsas)];
  const auto node = node_with(isa.feature);
  if (!node) GTEST_SKIP() << "no node with " << isa.feature;
  const Target target = *find_target("wasm32", isa.cpu);
  const uint32_t cases = case_count(kCasesPerShard);
  for (uint32_t first = 0; first < cases && !HasFailure(); first += kBatch) {
    Batch batch = random_batch(target, uint64_t{GetParam() + 30} << 32 | first, std::min(kBatch, cases - first));
    ASSERT_FALSE(HasFailure());
    const auto module = write_wasm_module(batch.programs);
    ASSERT_TRUE(module) << module.error().message;
    ASSERT_EQ(run_in_node(*node, *module, batch.calls), "");
    for (size_t i = 0; i < batch.cases.size() && !HasFatalFailure(); ++i)
      expect_answer(batch.cases[i], batch.programs[i], batch.calls[i]);
  }
}
INSTANTIATE_TEST_SUITE_P(Shard, WasmAgreement, testing::Range(0u, kShards));

}  // namespace
}  // namespace espalier::test
