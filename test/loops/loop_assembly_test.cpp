// The instructions that loop programs become.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "backends/loops/loop_object.h"
#include "codegen/layers/loop_builder.h"

namespace espalier::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr LoopBuffer kX0 = LoopBuffer::kX0, kX1 = LoopBuffer::kX1, kY = LoopBuffer::kY;

std::string assembly(const char* system, const char* cpu, const std::function<void(LoopBuilder&)>& write) {
  const Target target = *find_target(system, cpu);
  LoopBuilder b("layer", target);
  for (const LoopBuffer buffer : {kX0, kX1, kY}) b.set_elements(buffer, 400);
  write(b);
  const auto program = b.finish();
  EXPECT_TRUE(program) << program.error().message;
  const auto text = write_loop_assembly({&*program, 1}, target);
  EXPECT_TRUE(text) << text.error().message;
  return *text;
}

struct Expectation {
  const char *system, *cpu;
  std::vector<std::string> instructions;
};

void expect_instructions(const std::vector<Expectation>& expectations, const std::function<void(LoopBuilder&)>& write) {
  for (const Expectation& e : expectations)
    for (const std::string& instruction : e.instructions)
      EXPECT_THAT(assembly(e.system, e.cpu, write), HasSubstr(instruction)) << e.cpu;
}

TEST(LoopAssembly, FusedMultiplyAddIsOneInstruction) {
  const auto write = [](LoopBuilder& b) { b.store(kY, 0, b.fma(b.load(kX0, 0), b.load(kX1, 0), b.load(kX0, 64))); };
  expect_instructions({{"x86_64-linux", "avx2", {"vfmadd", "%ymm"}},
                       {"x86_64-linux", "avx512", {"vfmadd", "%zmm"}},
                       {"x86_64-macos", "avx2", {"vfmadd", "%ymm"}},
                       {"aarch64-linux", "cortex-a76", {"fmla\tv"}},
                       {"aarch64-macos", "apple-m1", {"fmla.4s"}},
                       {"wasm32", "simd128", {"f32x4.mul", "f32x4.add"}},
                       {"wasm32", "relaxed", {"f32x4.relaxed_madd"}}},
                      write);
}

TEST(LoopAssembly, ClampIsTwoInstructions) {
  const auto write = [](LoopBuilder& b) { b.store(kY, 0, b.min(b.max(b.load(kX0, 0), b.constant(0)), b.constant(6))); };
  expect_instructions({{"x86_64-linux", "avx2", {"vmaxps", "vminps"}},
                       {"x86_64-linux", "avx512", {"vmaxps", "vminps"}},
                       {"aarch64-linux", "cortex-a76", {"fmaxnm\tv", "fminnm\tv"}},
                       {"wasm32", "simd128", {"f32x4.pmax", "f32x4.pmin"}},
                       {"wasm32", "relaxed", {"f32x4.pmax", "f32x4.pmin"}}},
                      write);
  for (const auto& [system, cpu] : {std::pair{"x86_64-linux", "avx2"}, {"wasm32", "simd128"}})
    EXPECT_THAT(assembly(system, cpu, write), AllOf(Not(HasSubstr("vcmp")), Not(HasSubstr("f32x4.gt")),
                                                    Not(HasSubstr("blend")), Not(HasSubstr("bitselect"))));
}

TEST(LoopAssembly, ScalingShiftsBits) {
  expect_instructions({{"x86_64-linux", "avx2", {"vpslld\t$23", "vpaddd", "vmulps"}},
                       {"x86_64-linux", "avx512", {"vpslld\t$23", "vpaddd", "vmulps"}},
                       {"aarch64-linux", "cortex-a76", {"shl\tv", "add\tv", "fmul\tv"}},
                       {"wasm32", "simd128", {"i32x4.shl", "i32x4.add", "f32x4.mul"}}},
                      [](LoopBuilder& b) { b.store(kY, 0, b.scale(b.load(kX0, 0), b.load(kX1, 4))); });
}

TEST(LoopAssembly, PartialVectorsUseMasksOrPieces) {
  const auto write = [](LoopBuilder& b) { b.store(kY, 0, b.add(b.load(kX0, 0, 3), b.load(kX1, 4, 3)), 3); };
  expect_instructions({{"x86_64-linux", "avx2", {"vmaskmovps\t(", "vmovlps", "vextractps"}},
                       {"x86_64-linux", "avx512", {"} {z}", "(%rdx) {%k"}},
                       {"aarch64-linux", "cortex-a76", {"ldr\td", "ld1\t{ v", "str\td", "st1\t{ v"}},
                       {"wasm32", "simd128", {"v128.load64_zero", "v128.store64_lane"}}},
                      write);
}

/// Zen 4 takes five cycles for an expansion, which is what LLVM makes of a slide.
TEST(LoopAssembly, WhatIsLoadedAndSlidIsOneMaskedLoad) {
  const auto write = [](LoopBuilder& b) {
    b.store(kY, 0, b.slide_up(b.load(kX0, 8), 2));
    b.store(kY, 16, b.slide_up(b.load(kX0, 40, 5), 1));
  };
  EXPECT_THAT(assembly("x86_64-linux", "avx2", write),
              AllOf(HasSubstr("vmaskmovps\t24(%rdi)"), HasSubstr("vmaskmovps\t156(%rdi)"), Not(HasSubstr("vperm"))));
  EXPECT_THAT(assembly("x86_64-linux", "avx512", write),
              AllOf(HasSubstr("vmovups\t24(%rdi)"), HasSubstr("vmovups\t156(%rdi)"), Not(HasSubstr("vexpand"))));
}

TEST(LoopAssembly, WasmConstantOffsetsAreInTheInstruction) {
  const auto write = [](LoopBuilder& b) {
    b.set_items(4);
    b.loop(0, 64, 4, [&](Index i) {
      const Affine at = Affine(b.item()) * 64 + Affine(i);
      b.store(kY, at, b.add(b.load(kX0, at + 7), b.load(kX0, at + 100)));
    });
  };
  EXPECT_THAT(assembly("wasm32", "simd128", write), AllOf(HasSubstr("v128.load\t28:"), HasSubstr("v128.load\t400:")));
}

/// An address below the buffer would be far above the memory.
TEST(LoopAssembly, WasmOffsetsOfAddressesThatMayBeBelowTheBufferAreNot) {
  const auto write = [](LoopBuilder& b) {
    b.loop(0, 64, 4, [&](Index i) { b.store(kY, i, b.load(kX0, Affine(i) * -1 + 100)); });
  };
  EXPECT_THAT(assembly("wasm32", "simd128", write), Not(HasSubstr("v128.load\t400")));
}

TEST(LoopAssembly, LoopsThatMoveZerosCallNothing) {
  for (const auto& [system, cpu] :
       {std::pair{"x86_64-linux", "avx2"}, {"aarch64-linux", "cortex-a76"}, {"wasm32", ""}}) {
    const auto write = [](LoopBuilder& b) {
      const Vec zero = b.constant(0);
      b.loop(0, 384, b.lanes(), [&](Index i) { b.store(kY, i, zero); });
      b.loop(0, 384, b.lanes(), [&](Index i) { b.store(kY, i, b.load(kX0, i)); });
    };
    EXPECT_THAT(assembly(system, cpu, write), AllOf(Not(HasSubstr("memset")), Not(HasSubstr("memcpy"))));
  }
}

TEST(LoopObjectErrors, AreNamed) {
  const Target host = *find_target("x86_64-linux"), c = *find_target("c99"), wasm = *find_target("wasm32");
  LoopProgram p{.name = "layer", .target = host, .table = {}, .body = {}};
  const LoopProgram twice[] = {p, p};
  EXPECT_EQ(write_loop_object(twice, host).error().message, "there are two functions named layer");
  EXPECT_EQ(write_loop_object({&p, 1}, wasm).error().message,
            "layer is made for x86_64-linux avx2, not wasm32 simd128");
  EXPECT_EQ(write_loop_object({}, c).error().message, "target c99 has no machine code for vector ISA 'portable'");
  p.target = wasm;
  p.elements[0] = uint64_t{1} << 30;
  EXPECT_EQ(write_loop_object({&p, 1}, wasm).error().message,
            "layer: a buffer has 4294967296 bytes, but WebAssembly's limit is 2147483648");
}

TEST(LoopObjectErrors, EqualProgramsGiveEqualBytes) {
  for (const char* name : {"x86_64-linux", "aarch64-linux", "aarch64-macos", "x86_64-macos", "wasm32"}) {
    const Target target = *find_target(name);
    const LoopProgram p{.name = "layer", .target = target, .table = {}, .body = {}};
    const auto object = write_loop_object({&p, 1}, target);
    ASSERT_TRUE(object) << name << ": " << object.error().message;
    EXPECT_EQ(*object, *write_loop_object({&p, 1}, target)) << name;
  }
}

}  // namespace
}  // namespace espalier::test
