// The promised intrinsics are in the text, and what the text promises about itself holds.
#include <bit>
#include <cmath>
#include <regex>

#include "backends/c_source/c_source.h"
#include "backends/c_source/c_writer.h"
#include "backends/text_template.h"
#include "c_harness.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/random_program.h"
#include "test/support/spmm_program.h"

namespace espalier::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string c_text(const KernelProgram& program, const CSourceOptions& options = {}) {
  const auto files = write_c_source(program, options);
  return files ? files->front().contents : files.error().message;
}

KernelProgram program_for(std::string_view target, std::string_view cpu) {
  return spmm_program({.target = target, .cpu = cpu}, 1);
}

struct Promise {
  std::string_view target, cpu;
  std::vector<std::string_view> texts;
};

TEST(CSourceText, HasThePromisedIntrinsics) {
  const Promise promises[] = {
      {"x86_64-linux",
       "avx2",
       {"#include <immintrin.h>", "!defined(__AVX2__) || !defined(__FMA__)", "_mm256_broadcast_ss(w + 3)",
        "= _mm256_fmadd_ps(v6, v8, v0);", "_mm256_loadu_ps(x + ", "_mm256_max_ps(v0, v6)", "_mm256_min_ps(v0, v8)",
        "_mm_store_ss(y", "_mm_storeu_ps(y", "espalier_store2(y", "_mm_prefetch(", ".cpu_features = (uint64_t)0x3"}},
      {"x86_64-linux",
       "avx512",
       {"!defined(__AVX512F__)", "const __mmask16 mask = (__mmask16)((1u << pixels) - 1u);",
        "_mm512_maskz_loadu_ps(mask, x + ", "_mm512_mask_storeu_ps(y + 39, mask, v1)", "_mm512_set1_ps(w[3])",
        ".cpu_features = (uint64_t)0xc"}},
      {"aarch64-linux",
       "neon",
       {"#include <arm_neon.h>", "vfmaq_laneq_f32(", "vfmaq_f32(", "vld1q_dup_f32(w + ", "vdupq_laneq_f32(",
        "vmaxnmq_f32(", "vminnmq_f32(", "vst1_f32(y", "vst1q_lane_f32(y", "__builtin_prefetch(x + 37)",
        ".cpu_features = (uint64_t)0x100"}},
      {"wasm32",
       "simd128",
       {"#include <wasm_simd128.h>", "wasm_f32x4_add(v0, wasm_f32x4_mul(", "wasm_v128_load32_splat(w",
        "wasm_i32x4_shuffle(v8, v8, 3, 3, 3, 3)", "wasm_f32x4_pmax(v6, v0)", "wasm_f32x4_pmin(v8, v0)",
        "wasm_v128_store64_lane(y", "#pragma STDC FP_CONTRACT OFF"}},
      {"wasm32", "relaxed", {"wasm_f32x4_relaxed_madd(v6, v8, v0)", "!defined(__wasm_relaxed_simd__)"}},
      {"c99", "portable", {"espalier_multiply_add(v0, v6, v8)", "vector_size(16)", ".cpu_features = (uint64_t)0x0"}},
  };
  for (const Promise& promise : promises) {
    const std::string text = c_text(program_for(promise.target, promise.cpu));
    for (const std::string_view expected : promise.texts) EXPECT_THAT(text, HasSubstr(expected)) << promise.cpu;
  }
}

TEST(CSourceText, IncludesOnlyTheAbiAndTheIntrinsics) {
  for (const TargetEntry& entry : known_targets()) {
    const std::string text = c_text(program_for(entry.target, entry.cpu));
    const std::regex include("#include [<\"]([^>\"]*)[>\"]");
    for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it)
      EXPECT_THAT((*it)[1].str(),
                  testing::AnyOf("espalier/kernel_abi.h", "immintrin.h", "arm_neon.h", "wasm_simd128.h"));
  }
}

TEST(CSourceText, CutsLongTilesIntoFunctionsOfTheirOwn) {
  const KernelProgram program = program_for("aarch64-linux", "neon");
  EXPECT_THAT(c_text(program), Not(HasSubstr("ESPALIER_NOINLINE")));
  const std::string text = c_text(program, {.part_limit = 20, .banner = {}});
  EXPECT_THAT(text, HasSubstr("ESPALIER_NOINLINE static void kernel_chunk_0_tile_0_part_1("));
  EXPECT_THAT(text, HasSubstr("    kernel_chunk_0_tile_0_part_1(x, y, w);\n"));
}

TEST(CSourceText, IsAFunctionOfItsInput) {
  const CSourceOptions options{.banner = {"0.1.0", "a.npz", "sha256:12", "espalier compile a.npz"}};
  const KernelProgram program = program_for("x86_64-linux", "avx512");
  EXPECT_EQ(c_text(program, options), c_text(program, options));
  EXPECT_THAT(c_text(program, options), testing::StartsWith(banner_comment(options.banner)));
}

TEST(CSourceText, PutsWeightsIntoALittleEndianSideFile) {
  KernelProgram program = program_for("c99", "portable");
  program.stream[0] = 1.0f;
  const auto files = write_c_source(program, {.weights_in_side_file = true, .banner = {}});
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 3u);
  EXPECT_EQ((*files)[1].name, "kernel.weights.S");
  EXPECT_EQ((*files)[2].name, "kernel.weights.bin");
  EXPECT_EQ((*files)[2].contents.size(), program.stream.size() * 4);
  EXPECT_EQ((*files)[2].contents.substr(0, 4), std::string("\0\0\x80\x3f", 4));
  EXPECT_THAT((*files)[0].contents, HasSubstr("extern const float kernel_weights["));
  EXPECT_THAT((*files)[0].contents, Not(HasSubstr("static const float kernel_weights")));
}

TEST(CSourceText, RefusesAStreamThatIsNotANumber) {
  KernelProgram program = program_for("c99", "portable");
  program.stream[3] = NAN;
  const auto files = write_c_source(program);
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().message, "C source of kernel: stream element 3 is not a number");
}

TEST(CSourceText, RefusesAVectorIsaItDoesNotKnow) {
  KernelProgram program = program_for("c99", "portable");
  const VectorIsa sve{"sve", 4, 32, Arithmetic::kFma, false, false, false, false, false, 0};
  program.target.vector = &sve;
  const auto files = write_c_source(program);
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(files.error().message, "C source of kernel: there is no C for the vector ISA 'sve'");
}

TEST(CSourceText, RefusesAnOperationTheIsaDoesNotHave) {
  KernelProgram program = program_for("c99", "portable");
  std::vector<MicroOp>& ops = program.chunks[1].tiles[0].ops;
  ops.insert(ops.end() - 1, {.op = Op::kFmaLane, .d = ops.back().d});
  const auto files = write_c_source(program);
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().kind, ErrorKind::kInternal);
  EXPECT_EQ(files.error().message, "C source of kernel: chunk 1: C for portable has no fma_lane of 0 lanes");
}

TEST(CFloat, ReadsBackBitForBit) {
  std::vector<float> values = random_values(200, 3);
  for (const float value : {0.0f, -0.0f, 1.0f, -2.5f, 0x1p-126f, 0x1p-149f, -0x1.8p-140f, 0x1.fffffep+127f, 1e-30f})
    values.push_back(value);
  for (const float value : values) {
    std::string text;
    append_c_float(value, text);
    EXPECT_EQ(text.back(), 'f');
    EXPECT_EQ(std::bit_cast<uint32_t>(std::strtof(text.c_str(), nullptr)), std::bit_cast<uint32_t>(value)) << text;
  }
}

TEST(CFloat, WritesInfinityAsAnExpression) {
  std::string text;
  append_c_float(-INFINITY, text);
  EXPECT_EQ(text, "-(1.0f / 0.0f)");
}

std::string compiler_words(std::string_view compiler, std::string_view flags, const KernelProgram& program) {
  const TemporaryFolder folder;
  const Toolchain toolchain{"", compiler, flags, Machine::kNative};
  return compile(toolchain, *write_c_source(program), folder);
}

TEST(CSourceText, TellsACompilerWithoutTheIsaWhatToDo) {
  if (std::string_view(ESPALIER_TEST_GCC).empty()) GTEST_SKIP() << "this machine has no gcc";
  EXPECT_THAT(compiler_words(ESPALIER_TEST_GCC, "", program_for("x86_64-linux", "avx512")),
              HasSubstr("kernel.c needs AVX-512: compile with -mavx512f, or emit C for another CPU"));
  EXPECT_THAT(compiler_words(ESPALIER_TEST_GCC, "-mno-avx2", program_for("x86_64-linux", "avx2")),
              HasSubstr("kernel.c needs AVX2 and FMA: compile with -mavx2 -mfma, or emit C for another CPU"));
}

TEST(CSourceText, CompilesWithInfiniteBoundsAndWithoutAnyWeights) {
  if (std::string_view(ESPALIER_TEST_GCC).empty()) GTEST_SKIP() << "this machine has no gcc";
  KernelProgram program = program_for("c99", "portable");
  program.stream[0] = INFINITY;
  program.stream[1] = -INFINITY;
  EXPECT_EQ(compiler_words(ESPALIER_TEST_GCC, "", program), "");
  KernelProgram zeros = spmm_program({.target = "c99", .cpu = "portable", .sparsity = 1.0, .clamp = {}}, 1);
  for (Chunk& chunk : zeros.chunks)
    for (PixelTile& tile : chunk.tiles)
      for (MicroOp& op : tile.ops)
        if (op.op == Op::kSplatLoad) op = {.op = Op::kZero, .d = op.d};
  zeros.stream.clear();
  for (Chunk& chunk : zeros.chunks) chunk.stream_offset = chunk.stream_count = 0;
  EXPECT_EQ(compiler_words(ESPALIER_TEST_GCC, "", zeros), "");
}

TEST(CSourceText, CompilesAKernelWithoutOutputs) {
  if (std::string_view(ESPALIER_TEST_GCC).empty()) GTEST_SKIP() << "this machine has no gcc";
  KernelProgram program = program_for("c99", "portable");
  program.output_channels = 0;
  program.groups.clear();
  program.chunks.clear();
  program.stream.clear();
  EXPECT_EQ(compiler_words(ESPALIER_TEST_GCC, "", program), "");
}

}  // namespace
}  // namespace espalier::test
