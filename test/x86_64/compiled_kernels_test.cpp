// Whole kernels, from matrix to emulated answers, and what their code looks like.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "backends/x86_64/x86_64_assembler.h"
#include "backends/x86_64/x86_64_instructions.h"
#include "codegen/compile_kernel.h"
#include "test/support/random_spec.h"
#include "test/support/structured_matrix.h"
#include "test/x86_64/emulator.h"
#include "test/x86_64/instruction_text.h"

namespace espalier {
namespace {

constexpr const char* kCpus[] = {"avx2", "znver4", "skylake-avx512"};
constexpr const char* kSchedules[] = {"unrolled", "unrolled:k=40,chunk=60", "unrolled:pixels=32,prefetch=1",
                                      "unrolled:rows=1,vectors=3,k=17,chunk=33,pixels=24",
                                      "unrolled:k=40,chunk=60,tail=1"};

KernelProgram compile(const KernelSpec& spec, std::string_view cpu, const char* schedule) {
  CompileOptions options;
  options.schedule = *parse_schedule(schedule);
  auto program = compile_kernel(spec, *find_target("x86_64-linux", cpu), options);
  EXPECT_TRUE(program) << program.error().message;
  return program ? *std::move(program) : KernelProgram{};
}

void expect_interpreters_bits(const KernelProgram& p, uint32_t pixels, SeededRandom& random) {
  std::vector<float> x(size_t{p.input_channels} * p.input_stride);
  for (float& v : x) v = random.weight();
  std::vector<float> y(size_t{p.output_channels} * p.output_stride, -7.0f), wanted = y;
  interpret(p, x, wanted, pixels);
  ASSERT_EQ(test::emulate(p, x, y, pixels), "");
  for (size_t i = 0; i < y.size(); ++i) ASSERT_EQ(std::memcmp(&y[i], &wanted[i], 4), 0) << "element " << i;
}

TEST(CompiledX86Kernels, GiveTheInterpretersBits) {
  SeededRandom random(2024);
  for (const char* cpu : kCpus)
    for (int round = 0; round < 30; ++round) {
      SCOPED_TRACE(fmt::format("{} round {}", cpu, round));
      const KernelSpec spec = test::random_spec(random);
      const KernelProgram p = compile(spec, cpu, kSchedules[round % std::size(kSchedules)]);
      const uint32_t pixels = spec.pixels ? *spec.pixels : 1 + static_cast<uint32_t>(random.next() % spec.max_pixels());
      ASSERT_NO_FATAL_FAILURE(expect_interpreters_bits(p, pixels, random));
    }
}

KernelSpec spec_of_all_kinds(uint64_t seed) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = test::rows_of_all_kinds(70, 90, seed);
  spec.bias.assign(70, 0.25f);
  spec.pixels = 45;
  spec.input_stride = spec.output_stride = 47;
  spec.output_order = OutputOrder::kClustered;
  return spec;
}

TEST(CompiledX86Kernels, GiveTheInterpretersBits_InTheOrderOfTheClusters) {
  SeededRandom random(2025);
  for (const char* cpu : kCpus)
    for (const char* schedule : {"unrolled:cluster=1", "unrolled:rows=2,k=30,cluster=1"}) {
      SCOPED_TRACE(fmt::format("{} {}", cpu, schedule));
      const KernelProgram p = compile(spec_of_all_kinds(random.next()), cpu, schedule);
      EXPECT_FALSE(p.output_order.empty());
      ASSERT_NO_FATAL_FAILURE(expect_interpreters_bits(p, 45, random));
    }
}

/// The emulator knows no loops over non-zeros; the JIT's tests run such kernels.
TEST(CompiledX86Kernels, OfSeveralFormsAssemble) {
  for (const char* cpu : kCpus)
    for (const char* schedule : {"unrolled+dense:least=60+nano:rows=4", "loop:vectors=3+dense:least=90,vectors=2"}) {
      const KernelProgram p = compile(spec_of_all_kinds(9), cpu, schedule);
      const auto codes = assemble_x86_64(p);
      ASSERT_TRUE(codes) << codes.error().message;
      EXPECT_EQ(codes->size(), p.chunks.size());
    }
}

KernelSpec spec_of(uint32_t pixels, bool run_time) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(13, 40, 0.7, 5);
  spec.clamp = {0, 6};
  if (!run_time) spec.pixels = pixels;
  spec.input_stride = spec.output_stride = pixels;
  return spec;
}

TEST(CompiledX86Kernels, ServeEveryRunTimePixelCount) {
  SeededRandom random(7);
  for (const char* cpu : kCpus) {
    const KernelProgram p = compile(spec_of(53, true), cpu, "unrolled");
    for (uint32_t pixels = 1; pixels <= 53; ++pixels) {
      SCOPED_TRACE(fmt::format("{}, {} pixels", cpu, pixels));
      ASSERT_NO_FATAL_FAILURE(expect_interpreters_bits(p, pixels, random));
    }
  }
}

TEST(CompiledX86Kernels, AreRefusedByTheEmulatorWhenTheyLeaveTheirRows) {
  SeededRandom random(8);
  for (const char* cpu : kCpus) {
    KernelProgram p = compile(spec_of(33, false), cpu, "unrolled");
    std::vector<float> x(p.input_channels * 40), y(p.output_channels * 40);
    for (MicroOp& op : p.chunks[0].tiles[0].ops)
      if (op.op == Op::kStore) op.column += 33;
    EXPECT_THAT(test::emulate(p, x, y, 33), ::testing::HasSubstr("writes outside of the rows' pixels"));
  }
}

std::vector<test::Instruction> instructions_of(const KernelProgram& p) {
  auto encoder = x86_64::Encoder::create(p.target.vector->has_masks);
  auto codes = assemble_x86_64(p);
  EXPECT_TRUE(encoder && codes);
  std::string listing;
  for (const std::string& code : *codes) listing += (*encoder)->mc().disassemble(code);
  return test::parse_listing(listing);
}

template <typename Predicate>
size_t count(const KernelProgram& p, Predicate predicate) {
  const auto all = instructions_of(p);
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), predicate));
}

TEST(CompiledX86Kernels, MaskTheRemainderWithAvx512) {
  const KernelProgram p = compile(spec_of(53, true), "znver4", "unrolled");
  EXPECT_GT(count(p, [](const auto& i) { return i.name == "kmovw"; }), 0u);
  EXPECT_GT(count(p, [](const auto& i) { return i.masked; }), 0u);
  EXPECT_EQ(count(p, [](const auto& i) { return i.name == "vmovss" || i.name == "vmovsd"; }), 0u);
}

/// Multiply-adds by what their sums are kept in.
size_t multiply_adds(const KernelProgram& p, std::string_view registers) {
  return count(p, [&](const auto& i) { return i.name == "vfmadd231ps" && i.operands[2].reg.starts_with(registers); });
}

TEST(CompiledX86Kernels, MultiplyAsFewLanesAsTheLastVectorHas) {
  // 3 whole vectors and what is left: a quarter, a masked quarter, half, a masked half, nearly all.
  for (const auto& [pixels, narrow] : {std::pair{52u, "xmm"}, {49u, "xmm"}, {56u, "ymm"}, {54u, "ymm"}, {60u, "zmm"}})
    for (const char* form : {"unrolled:rows=4,vectors=4", "loop:vectors=4", "nano:rows=4,vectors=4"}) {
      SCOPED_TRACE(fmt::format("{} pixels, {}", pixels, form));
      const KernelProgram p = compile(spec_of(pixels, false), "znver4", form);
      const size_t all = multiply_adds(p, ""), whole = multiply_adds(p, "zmm");
      EXPECT_EQ(whole + (narrow[0] == 'z' ? 0 : multiply_adds(p, narrow)), all);
      EXPECT_EQ(whole, narrow[0] == 'z' ? all : all / 4 * 3);
      EXPECT_EQ(count(p, [](const auto& i) { return i.masked; }) > 0, pixels % 4 != 0 || pixels == 60);
      SeededRandom random(pixels);
      ASSERT_NO_FATAL_FAILURE(expect_interpreters_bits(p, pixels, random));
    }
}

TEST(CompiledX86Kernels, EndPanelsOfHalfVectorsWithHalfAVector) {
  KernelSpec spec = spec_of(196, false);
  spec.input_panel = spec.output_panel = spec.input_stride = spec.output_stride = 40;
  const KernelProgram p = compile(spec, "znver4", "unrolled:rows=4,vectors=3");
  EXPECT_EQ(p.pixel_multiple, 40u);
  EXPECT_EQ(multiply_adds(p, "zmm"), 2 * multiply_adds(p, "ymm"));
  EXPECT_EQ(multiply_adds(p, "zmm") + multiply_adds(p, "ymm"), multiply_adds(p, ""));
}

TEST(CompiledX86Kernels, HaveNoMasksNorHighRegistersWithAvx2) {
  const KernelProgram p = compile(spec_of(53, true), "avx2", "unrolled");
  EXPECT_EQ(count(p, [](const auto& i) { return i.masked || i.text.find("zmm") != std::string::npos; }), 0u);
  EXPECT_GT(count(p, [](const auto& i) { return i.text.find("ymm") != std::string::npos; }), 0u);
}

TEST(CompiledX86Kernels, LeaveNoScalarTailWhereVectorsFitWithAvx2) {
  auto narrow = [](const test::Instruction& i) { return i.name == "vmovss" || i.name == "vmovsd"; };
  for (const uint32_t pixels : {8, 24, 40, 56})
    EXPECT_EQ(count(compile(spec_of(pixels, false), "avx2", "unrolled"), narrow), 0u) << pixels;
  EXPECT_GT(count(compile(spec_of(57, false), "avx2", "unrolled:rows=2,vectors=7"), narrow), 0u);
}

TEST(CompiledX86Kernels, ReadWeightsFromMemory) {
  for (const char* cpu : kCpus) {
    const KernelProgram p = compile(spec_of(53, false), cpu, "unrolled");
    EXPECT_GT(count(p, [](const auto& i) { return i.name.starts_with("vbroadcast"); }), 0u) << cpu;
    // Immediates move pointers, count pixels, choose lanes and set masks; nothing of 32 bits that could be a weight.
    EXPECT_EQ(count(p,
                    [](const auto& i) {
                      return !i.name.starts_with("j") && !i.operands.empty() &&
                             i.operands[0].kind == test::Operand::Kind::kImmediate && i.operands[0].value > 0xffff;
                    }),
              0u)
        << cpu;
  }
}

TEST(CompiledX86Kernels, ShareWindowsAmongNearAccesses) {
  for (const char* cpu : kCpus) {
    const char* tile = std::string_view(cpu) == "avx2" ? "unrolled:rows=2,vectors=7" : "unrolled:rows=6,vectors=4";
    const KernelProgram p = compile(spec_of(49, false), cpu, tile);
    const auto all = instructions_of(p);
    EXPECT_GT(count(p, [](const auto& i) { return i.name == "leaq"; }), 0u) << cpu;
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].name != "leaq") continue;
      size_t uses = 0;
      for (size_t j = i + 1;
           j < all.size() && !(all[j].name == "leaq" && all[j].operands[1].reg == all[i].operands[1].reg); ++j)
        for (const auto& o : all[j].operands)
          uses += o.kind == test::Operand::Kind::kMemory && o.reg == all[i].operands[1].reg;
      EXPECT_GE(uses, 3u) << cpu << ", " << all[i].text;
    }
  }
}

}  // namespace
}  // namespace espalier
