// Whole kernels, from matrix to emulated answers.
#include <gtest/gtest.h>

#include "backends/aarch64/aarch64_assembler.h"
#include "backends/mc/mc_target.h"
#include "codegen/compile_kernel.h"
#include "test/aarch64/emulator.h"
#include "test/support/structured_matrix.h"

namespace espalier {
namespace {

struct Case {
  uint32_t rows, columns;
  double sparsity;
  uint32_t pixels;
  bool run_time_pixels;
  uint32_t extra_stride;  ///< elements past the pixels
  const char* schedule;
  uint32_t panel = 0;      ///< of both buffers
  bool all_kinds = false;  ///< of rows, and the output in the order of their clusters
};

const Case kCases[] = {
    {64, 32, 0.9, 12544, false, 0, "unrolled"},  // MobileNetV1's first layers
    {128, 64, 0.9, 3136, false, 0, "unrolled"},
    {256, 256, 0.9, 784, false, 0, "unrolled"},
    {64, 512, 0.9, 196, false, 0, "unrolled"},
    {64, 512, 0.9, 49, false, 0, "unrolled"},
    {96, 128, 0.8, 49, false, 3, "unrolled"},
    {17, 300, 0.7, 50, false, 1, "unrolled"},
    {5, 3, 0.5, 1, false, 0, "unrolled"},
    {9, 40, 0.0, 7, false, 2, "unrolled"},
    {40, 64, 1.0, 33, false, 5, "unrolled"},
    {20, 100, 0.8, 61, true, 3, "unrolled"},
    {20, 100, 0.8, 61, true, 0, "unrolled:k=30,chunk=50,pixels=32"},
    {64, 128, 0.9, 200, false, 6, "unrolled:k=50,chunk=40,pixels=48,prefetch=1"},
    {12, 64, 0.9, 100, false, 4, "unrolled:rows=1,vectors=1"},
    {30, 64, 0.85, 110, false, 1, "unrolled:rows=3,vectors=7"},
    {96, 128, 0.8, 49, false, 3, "unrolled:tail=1"},
    {17, 300, 0.7, 51, false, 1, "unrolled:rows=6,vectors=2,k=90,chunk=200,tail=1"},
    {20, 100, 0.8, 61, true, 3, "unrolled:k=30,pixels=32,prefetch=1,tail=1"},
    {40, 64, 0.8, 61, false, 0, "unrolled:rows=8,vectors=3,tail=1", 12},
    {128, 64, 0.9, 3136, false, 0, "loop"},
    {64, 512, 0.9, 49, false, 1, "loop"},
    {20, 100, 0.8, 61, true, 3, "loop:vectors=4,k=30"},
    {64, 128, 0.9, 200, false, 6, "nano"},
    {20, 100, 0.8, 61, true, 3, "nano:rows=3,vectors=2,k=40"},
    {40, 300, 0.3, 784, false, 0, "dense"},
    {11, 100, 0.2, 61, true, 3, "dense:rows=4,vectors=3,k=30"},
    {64, 256, 0.9, 196, false, 0, "loop", 32},
    {20, 100, 0.8, 61, true, 0, "loop", 16},
    {64, 256, 0.9, 196, false, 0, "nano", 16},
    {20, 100, 0.8, 61, true, 0, "nano", 8},
    {40, 700, 0.3, 196, false, 0, "dense", 8},
    {40, 64, 0.8, 61, true, 0, "unrolled", 12},
    {64, 32, 0.9, 300, false, 0, "unrolled:rows=4,vectors=4,prefetch=1", 16},
    {20, 100, 0.8, 61, true, 0, "unrolled:rows=2,vectors=8,prefetch=1", 32},
    {64, 90, 0, 61, true, 3, "auto", 0, true},
    {64, 90, 0, 200, false, 1, "unrolled+dense:least=60+nano:rows=4", 0, true},
    {64, 90, 0, 61, true, 0, "loop:vectors=4+dense:least=90,vectors=2", 16, true},
    {64, 90, 0, 61, false, 0, "unrolled:vectors=3,cluster=1+nano:rows=2,vectors=2", 24, true},
};

KernelSpec spec_of(const Case& c) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(c.rows, c.columns, c.sparsity, c.rows + c.pixels);
  if (c.all_kinds) spec.matrix = test::rows_of_all_kinds(c.rows, c.columns, c.pixels);
  if (c.all_kinds) spec.output_order = OutputOrder::kClustered;
  SeededRandom random(c.pixels);
  for (uint32_t r = 0; r < c.rows; ++r) spec.bias.push_back(random.weight());
  spec.clamp = {0, 6};
  if (!c.run_time_pixels) spec.pixels = c.pixels;
  spec.input_panel = spec.output_panel = c.panel;
  spec.input_stride = spec.output_stride = c.panel ? c.panel : c.pixels + c.extra_stride;
  return spec;
}

std::vector<uint32_t> pixel_counts(const Case& c) {
  if (!c.run_time_pixels) return {c.pixels};
  std::vector<uint32_t> counts;
  for (uint32_t pixels = 0; pixels <= c.pixels; ++pixels) counts.push_back(pixels);
  return counts;
}

KernelProgram compile(const Case& c, std::string_view cpu) {
  CompileOptions options;
  options.schedule = *parse_schedule(c.schedule);
  auto program = compile_kernel(spec_of(c), *find_target("aarch64-linux", cpu), options);
  EXPECT_TRUE(program) << program.error().message;
  return *program;
}

TEST(CompiledAArch64Kernels, GiveTheInterpretersBits) {
  if (const std::string reason = test::emulator_missing(); !reason.empty()) GTEST_SKIP() << reason;
  std::vector<test::EmulatedCase> cases;
  for (const Case& c : kCases)
    for (const char* cpu : {"cortex-a76", "cortex-a53", "cortex-a72"})
      cases.push_back({compile(c, cpu), pixel_counts(c)});
  test::expect_emulated_answers(std::move(cases));
}

/// Instructions of this name in all chunks.
/// Address arithmetic in percent of all instructions.
double address_percent(const Case& c) {
  const KernelProgram p = compile(c, "cortex-a76");
  const auto chunks = assemble_aarch64(p);
  EXPECT_TRUE(chunks);
  uint64_t instructions = 0;
  for (const std::string& chunk : *chunks) instructions += chunk.size() / 4;
  return 100.0 * static_cast<double>(instructions - p.micro_ops()) / static_cast<double>(instructions);
}

TEST(CompiledAArch64Kernels, SpendFewInstructionsOnAddresses) {
  // Rows of 12,544 and 3,136 elements leave one and five rows to a window; otherwise windows serve dozens of rows.
  EXPECT_LT(address_percent({256, 256, 0.9, 784, false, 0, "unrolled"}), 5);
  EXPECT_LT(address_percent({512, 512, 0.9, 196, false, 0, "unrolled"}), 2);
  EXPECT_LT(address_percent({512, 512, 0.9, 196, false, 1, "unrolled:rows=8,vectors=3,k=512,prefetch=0"}), 3);
  EXPECT_LT(address_percent({1024, 1024, 0.9, 49, false, 0, "unrolled"}), 2);
}

}  // namespace
}  // namespace espalier
