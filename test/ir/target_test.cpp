#include "ir/target.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "espalier/kernel_abi.h"
#include "ir/half_vectors.h"

namespace espalier {
namespace {

std::string error_of(std::string_view name, std::string_view cpu = {}) {
  const auto target = find_target(name, cpu);
  if (target) return "no error";
  EXPECT_EQ(target.error().kind, ErrorKind::kBadInput);
  return target.error().message;
}

TEST(Target, UnknownNameListsTheKnownOnes) {
  EXPECT_EQ(error_of("riscv64-linux"),
            "unknown target 'riscv64-linux', known targets are x86_64-linux, x86_64-macos, aarch64-linux, "
            "aarch64-macos, wasm32, c99, host");
  EXPECT_TRUE(error_of("").starts_with("unknown target '', known targets are "));
  EXPECT_TRUE(error_of("X86_64-linux").starts_with("unknown target 'X86_64-linux', "));
}

TEST(Target, UnknownCpuListsTheTargetsOwn) {
  EXPECT_EQ(error_of("x86_64-linux", "z80"),
            "target x86_64-linux has no CPU 'z80', known CPUs are haswell, znver3, skylake-avx512, znver4");
  EXPECT_EQ(error_of("aarch64-macos", "haswell"),
            "target aarch64-macos has no CPU 'haswell', known CPUs are cortex-a76, cortex-a53, cortex-a55, cortex-a72, "
            "neoverse-n1, cortex-a73, cortex-a78, cortex-x1, neoverse-v1, apple-m1");
  EXPECT_EQ(error_of("wasm32", "neon"),
            "target wasm32 has no CPU 'neon', known CPUs are simd128, relaxed, "
            "simd128-arm64, relaxed-arm64");
  EXPECT_EQ(error_of("c99", "avx2"), "target c99 has no CPU 'avx2', known CPUs are portable");
}

TEST(HalfVectors, OfAvx512AreAvx2OnTheSameCpu) {
  const Target whole = *find_target("x86_64-linux", "znver4");
  const auto half = with_half_vectors(whole);
  ASSERT_TRUE(half);
  EXPECT_EQ(half->vector->name, "avx2");
  EXPECT_EQ(half->vector->lanes * 2, whole.vector->lanes);
  EXPECT_EQ(half->cpu, whole.cpu);
  EXPECT_TRUE(includes(*whole.vector, *half->vector));
  EXPECT_FALSE(includes(*half->vector, *whole.vector));
  for (const auto& [name, cpu] : {std::pair{"x86_64-linux", "znver3"}, {"aarch64-linux", ""}, {"wasm32", ""}})
    EXPECT_FALSE(with_half_vectors(*find_target(name, cpu))) << name;
}

TEST(HalfVectors, AreWhatTheCpuWorksInOrNot) {
  EXPECT_TRUE(splits_vectors(*find_target("x86_64-linux", "znver4")));
  EXPECT_FALSE(splits_vectors(*find_target("x86_64-linux", "skylake-avx512")));
}

TEST(Target, EmptyCpuMeansTheDefault) {
  EXPECT_EQ(find_target("x86_64-linux")->cpu->name, "haswell");
  EXPECT_EQ(find_target("aarch64-linux")->cpu->name, "cortex-a76");
  EXPECT_EQ(find_target("aarch64-macos")->cpu->name, "apple-m1");
  EXPECT_EQ(find_target("wasm32")->vector->name, "simd128");
  EXPECT_EQ(find_target("c99")->vector->name, "portable");
}

TEST(Target, VectorIsaNamesAreCpuNamesToo) {
  EXPECT_EQ(find_target("x86_64-linux", "avx512")->cpu->name, "skylake-avx512");
  EXPECT_EQ(find_target("x86_64-macos", "avx2")->cpu->name, "haswell");
  EXPECT_EQ(find_target("aarch64-linux", "neon")->cpu->name, "cortex-a76");
  EXPECT_EQ(find_target("wasm32", "relaxed")->vector->arithmetic, Arithmetic::kFma);
}

TEST(Target, EnginesDifferByTheMachineBelow_AndTheFirstStandsForTheVectorIsa) {
  for (const char* isa : {"simd128", "relaxed"}) {
    const auto x64 = find_target("wasm32", isa), arm64 = find_target("wasm32", std::string(isa) + "-arm64");
    ASSERT_TRUE(x64 && arm64);
    EXPECT_EQ(x64->cpu->name, isa);
    EXPECT_EQ(x64->vector, arm64->vector);
    EXPECT_EQ(x64->cpu->engine_registers, 16u);
    EXPECT_EQ(arm64->cpu->engine_registers, 32u);
  }
  EXPECT_EQ(find_target("aarch64-linux")->cpu->engine_registers, 0u);
}

TEST(Target, HostIsAKnownTargetItsCpuCanRun) {
  const auto host = find_target("host");
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_NE(host->name, "host");
  EXPECT_TRUE(find_target(host->name, host->cpu->name));
  EXPECT_EQ(find_target("host", host->vector->name)->vector, host->vector);
#if defined(__x86_64__)
  if (host_cpu_features() & ESPALIER_CPU_AVX512F) {
    EXPECT_EQ(host->vector->name, "avx512");
  }
#endif
}

TEST(Target, EveryKnownTargetIsFoundAsListed) {
  std::set<std::string> seen;
  for (const TargetEntry& entry : known_targets()) {
    const auto target = find_target(entry.target, entry.cpu);
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_EQ(target->name, entry.target);
    EXPECT_EQ(target->cpu->name, entry.cpu);
    EXPECT_EQ(target->vector->name, entry.vector_isa);
    EXPECT_TRUE(seen.insert(std::string(entry.target) + " " + std::string(entry.cpu)).second) << entry.cpu << " twice";
  }
  EXPECT_EQ(seen.size(), 2u * 4 + 2u * 10 + 4 + 1);
}

TEST(Target, EveryVectorIsaFitsTheMicroOperation) {
  for (const TargetEntry& entry : known_targets()) {
    const VectorIsa& isa = *find_target(entry.target, entry.cpu)->vector;
    EXPECT_TRUE(isa.lanes == 4 || isa.lanes == 8 || isa.lanes == 16) << isa.name;
    EXPECT_LE(isa.registers, 256u) << "MicroOp names registers in one byte";
    if (isa.has_fma_lane) {
      EXPECT_EQ(isa.lanes, 4u) << "lanes are counted in groups of four";
    }
    if (isa.name != "portable") {
      EXPECT_NE(isa.features, 0u) << isa.name;
    }
  }
}

}  // namespace
}  // namespace espalier
