#include "backends/c_source/dialect.h"

namespace espalier {
namespace {

// Max and min keep the operand order of x86's (first > second ? first : second, so a NaN in d gives a). WebAssembly's
// pmax(p, q) is p < q ? q : p, hence the swapped operands; NEON's maxnm prefers numbers over NaN, which is the same
// as long as the bound is one.
constexpr Dialect kDialects[] = {
    {.isa = "avx2",
     .type = "__m256",
     .flags = "-mavx2 -mfma",
     .preamble = "c_source/avx2.c.in",
     .load_weights = "_mm256_broadcast_ps((const __m128 *)(const void *)($p))",
     .full = {"_mm256_setzero_ps()", "$a", "_mm256_loadu_ps($p)", "_mm256_storeu_ps($p, $d)", "_mm256_broadcast_ss($p)",
              "_mm256_permute_ps($a, $l * 0x55)", "_mm256_fmadd_ps($a, $b, $d)", "",
              "_mm256_fmadd_ps($b, _mm256_loadu_ps($p), $d)", "", "_mm256_max_ps($d, $a)", "_mm256_min_ps($d, $a)",
              "_mm_prefetch((const char *)($p), _MM_HINT_T0)", "_mm_prefetch((const char *)($p), _MM_HINT_T1)",
              "_mm_prefetch((const char *)($p), _MM_HINT_T0)"},
     .narrow = {{{Op::kLoad, 4, "_mm256_zextps128_ps256(_mm_loadu_ps($p))"},
                 {Op::kLoad, 2, "espalier_load2($p)"},
                 {Op::kLoad, 1, "_mm256_zextps128_ps256(_mm_load_ss($p))"},
                 {Op::kLoad, 0, "espalier_load_some($p, $n)"},
                 {Op::kStore, 4, "_mm_storeu_ps($p, _mm256_castps256_ps128($d))"},
                 {Op::kStore, 2, "espalier_store2($p, $d)"},
                 {Op::kStore, 1, "_mm_store_ss($p, _mm256_castps256_ps128($d))"}}}},
    {.isa = "avx512",
     .type = "__m512",
     .mask_type = "__mmask16",
     .flags = "-mavx512f",
     .preamble = "c_source/avx512.c.in",
     .load_weights = "_mm512_broadcast_f32x4(_mm_loadu_ps($p))",
     .full = {"_mm512_setzero_ps()", "$a", "_mm512_loadu_ps($p)", "_mm512_storeu_ps($p, $d)", "_mm512_set1_ps($e)",
              "_mm512_permute_ps($a, $l * 0x55)", "_mm512_fmadd_ps($a, $b, $d)", "",
              "_mm512_fmadd_ps($b, _mm512_loadu_ps($p), $d)", "_mm512_fmadd_ps($a, _mm512_set1_ps($e), $d)",
              "_mm512_max_ps($d, $a)", "_mm512_min_ps($d, $a)", "_mm_prefetch((const char *)($p), _MM_HINT_T0)",
              "_mm_prefetch((const char *)($p), _MM_HINT_T1)", "_mm_prefetch((const char *)($p), _MM_HINT_T0)"},
     .narrow = {{{Op::kLoad, 0, "_mm512_maskz_loadu_ps($m, $p)"},
                 {Op::kStore, 0, "_mm512_mask_storeu_ps($p, $m, $d)"},
                 {Op::kFmaLoad, 0, "_mm512_fmadd_ps($b, _mm512_maskz_loadu_ps($m, $p), $d)"}}}},
    {.isa = "neon",
     .type = "float32x4_t",
     .flags = "",
     .preamble = "c_source/neon.c.in",
     .full = {"vdupq_n_f32(0.0f)", "$a", "vld1q_f32($p)", "vst1q_f32($p, $d)", "vld1q_dup_f32($p)",
              "vdupq_laneq_f32($a, $l)", "vfmaq_f32($d, $a, $b)", "vfmaq_laneq_f32($d, $a, $b, $l)", "", "",
              "vmaxnmq_f32($d, $a)", "vminnmq_f32($d, $a)", "__builtin_prefetch($p)", "__builtin_prefetch($p, 0, 2)",
              "__builtin_prefetch($p)"},
     .narrow = {{{Op::kLoad, 3, "espalier_load3($p)"},
                 {Op::kLoad, 2, "vcombine_f32(vld1_f32($p), vdup_n_f32(0.0f))"},
                 {Op::kLoad, 1, "vld1q_lane_f32($p, vdupq_n_f32(0.0f), 0)"},
                 {Op::kStore, 2, "vst1_f32($p, vget_low_f32($d))"},
                 {Op::kStore, 1, "vst1q_lane_f32($p, $d, 0)"}}}},
    {.isa = "simd128",
     .type = "v128_t",
     .flags = "-msimd128",
     .preamble = "c_source/simd128.c.in",
     .full = {"wasm_f32x4_splat(0.0f)", "$a", "wasm_v128_load($p)", "wasm_v128_store($p, $d)",
              "wasm_v128_load32_splat($p)", "wasm_i32x4_shuffle($a, $a, $l, $l, $l, $l)",
              "wasm_f32x4_add($d, wasm_f32x4_mul($a, $b))", "", "", "", "wasm_f32x4_pmax($a, $d)",
              "wasm_f32x4_pmin($a, $d)", "", "", "(void)*(const volatile float *)($p)"},
     .narrow = {{{Op::kLoad, 3, "wasm_v128_load32_lane(($p) + 2, wasm_v128_load64_zero($p), 2)"},
                 {Op::kLoad, 2, "wasm_v128_load64_zero($p)"},
                 {Op::kLoad, 1, "wasm_v128_load32_zero($p)"},
                 {Op::kStore, 2, "wasm_v128_store64_lane($p, $d, 0)"},
                 {Op::kStore, 1, "wasm_v128_store32_lane($p, $d, 0)"}}}},
    {.isa = "relaxed",
     .type = "v128_t",
     .flags = "-msimd128 -mrelaxed-simd",
     .preamble = "c_source/relaxed.c.in",
     .full = {"wasm_f32x4_splat(0.0f)", "$a", "wasm_v128_load($p)", "wasm_v128_store($p, $d)",
              "wasm_v128_load32_splat($p)", "wasm_i32x4_shuffle($a, $a, $l, $l, $l, $l)",
              "wasm_f32x4_relaxed_madd($a, $b, $d)", "", "", "", "wasm_f32x4_pmax($a, $d)", "wasm_f32x4_pmin($a, $d)",
              "", "", "(void)*(const volatile float *)($p)"},
     .narrow = {{{Op::kLoad, 3, "wasm_v128_load32_lane(($p) + 2, wasm_v128_load64_zero($p), 2)"},
                 {Op::kLoad, 2, "wasm_v128_load64_zero($p)"},
                 {Op::kLoad, 1, "wasm_v128_load32_zero($p)"},
                 {Op::kStore, 2, "wasm_v128_store64_lane($p, $d, 0)"},
                 {Op::kStore, 1, "wasm_v128_store32_lane($p, $d, 0)"}}}},
    {.isa = "portable",
     .type = "espalier_f32x4",
     .flags = "",
     .preamble = "c_source/portable.c.in",
     .full = {"espalier_zero()", "$a", "espalier_load4($p)", "espalier_store4($p, $d)", "espalier_splat($e)", "",
              "espalier_multiply_add($d, $a, $b)", "", "", "", "espalier_max($d, $a)", "espalier_min($d, $a)", "", ""},
     .narrow = {{{Op::kLoad, 0, "espalier_load_some($p, $n)"}, {Op::kStore, 0, "espalier_store_some($p, $d, $n)"}}}},
};

}  // namespace

Result<std::string_view> Dialect::pattern(const MicroOp& op, uint32_t vector_lanes) const {
  if (op.op == Op::kLoad && op.buffer == Buffer::kW && op.lanes == 4 && !load_weights.empty()) return load_weights;
  const std::string_view whole = full[static_cast<size_t>(op.op)];
  const bool is_narrow = op_info(op.op).has_lanes && op.lanes != vector_lanes;
  std::string_view found = is_narrow ? std::string_view() : whole;
  for (const Narrow& n : narrow)
    if (is_narrow && found.empty() && !n.pattern.empty() && n.op == op.op && (n.lanes == op.lanes || n.lanes == 0))
      found = n.pattern;
  if (found.empty() && !is_hint(op.op))
    return internal_error("C for {} has no {} of {} lanes", isa, op_info(op.op).name, op.lanes);
  return found;
}

Result<const Dialect*> find_dialect(std::string_view isa) {
  for (const Dialect& dialect : kDialects)
    if (dialect.isa == isa) return &dialect;
  return unsupported("there is no C for the vector ISA '{}'", isa);
}

}  // namespace espalier
