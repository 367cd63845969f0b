#include "espalier/runtime.h"

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t saved_register_state(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

uint64_t espalier_host_cpu_features(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  const int has_xsave = (c >> 27) & 1;
  const int has_fma = (c >> 12) & 1;
  const uint64_t saved = has_xsave ? saved_register_state() : 0;
  const int ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xe6) == 0xe6;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  uint64_t features = 0;
  if (ymm && ((b >> 5) & 1)) features |= ESPALIER_CPU_AVX2;
  if (ymm && has_fma) features |= ESPALIER_CPU_FMA;
  if (zmm && ((b >> 16) & 1)) features |= ESPALIER_CPU_AVX512F;
  if (zmm && ((b >> 31) & 1)) features |= ESPALIER_CPU_AVX512VL;
  return features;
}
#elif defined(__aarch64__)
/* Advanced SIMD is part of the AArch64 base that every hosted platform has. */
uint64_t espalier_host_cpu_features(void) { return ESPALIER_CPU_NEON; }
#elif defined(__wasm_relaxed_simd__)
uint64_t espalier_host_cpu_features(void) { return ESPALIER_CPU_SIMD128 | ESPALIER_CPU_RELAXED_SIMD; }
#elif defined(__wasm_simd128__)
uint64_t espalier_host_cpu_features(void) { return ESPALIER_CPU_SIMD128; }
#else
uint64_t espalier_host_cpu_features(void) { return 0; }
#endif

static const struct {
  uint64_t bit;
  const char* name;
} kFeatures[] = {
    {ESPALIER_CPU_AVX2, "avx2"},         {ESPALIER_CPU_FMA, "fma"},
    {ESPALIER_CPU_AVX512F, "avx512f"},   {ESPALIER_CPU_AVX512VL, "avx512vl"},
    {ESPALIER_CPU_NEON, "neon"},         {ESPALIER_CPU_SIMD128, "simd128"},
    {ESPALIER_CPU_RELAXED_SIMD, "relaxed-simd"},
};

const char* espalier_cpu_feature_name(uint64_t bit) {
  for (size_t i = 0; i < sizeof kFeatures / sizeof *kFeatures; ++i)
    if (kFeatures[i].bit == bit) return kFeatures[i].name;
  return NULL;
}
