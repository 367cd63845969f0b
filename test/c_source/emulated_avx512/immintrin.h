/* The few AVX-512 intrinsics that emitted C uses, as Intel's guide defines them, so that such C can be run on machines
 * without AVX-512. Uses nothing of the C file that includes it. */
#ifndef EMULATED_IMMINTRIN_H
#define EMULATED_IMMINTRIN_H

#include <math.h>

typedef struct {
  float lane[16];
} __m512;
typedef struct {
  float lane[4];
} __m128;
typedef unsigned short __mmask16;

#define _MM_HINT_T0 3
#define _MM_HINT_T1 2
#define _mm_prefetch(address, hint) ((void)(address))

#define EMULATED_LANES for (int i = 0; i < 16; ++i)

__attribute__((unused)) static __m512 _mm512_set1_ps(float a) {
  __m512 d;
  EMULATED_LANES d.lane[i] = a;
  return d;
}
__attribute__((unused)) static __m512 _mm512_setzero_ps(void) { return _mm512_set1_ps(0.0f); }
__attribute__((unused)) static __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const void *p) {
  __m512 d = _mm512_setzero_ps();
  EMULATED_LANES if (mask >> i & 1) d.lane[i] = ((const float *)p)[i];
  return d;
}
__attribute__((unused)) static __m128 _mm_loadu_ps(const float *p) {
  __m128 d;
  for (int i = 0; i < 4; ++i) d.lane[i] = p[i];
  return d;
}
__attribute__((unused)) static __m512 _mm512_broadcast_f32x4(__m128 a) {
  __m512 d;
  EMULATED_LANES d.lane[i] = a.lane[i % 4];
  return d;
}
__attribute__((unused)) static __m512 _mm512_permute_ps(__m512 a, int selection) {
  __m512 d;
  EMULATED_LANES d.lane[i] = a.lane[i / 4 * 4 + (selection >> i % 4 * 2 & 3)];
  return d;
}
__attribute__((unused)) static __m512 _mm512_loadu_ps(const void *p) { return _mm512_maskz_loadu_ps(0xffff, p); }
__attribute__((unused)) static void _mm512_mask_storeu_ps(void *p, __mmask16 mask, __m512 a) {
  EMULATED_LANES if (mask >> i & 1)((float *)p)[i] = a.lane[i];
}
__attribute__((unused)) static void _mm512_storeu_ps(void *p, __m512 a) { _mm512_mask_storeu_ps(p, 0xffff, a); }
__attribute__((unused)) static __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  EMULATED_LANES c.lane[i] = fmaf(a.lane[i], b.lane[i], c.lane[i]);
  return c;
}
__attribute__((unused)) static __m512 _mm512_max_ps(__m512 a, __m512 b) {
  EMULATED_LANES if (a.lane[i] > b.lane[i]) b.lane[i] = a.lane[i];
  return b;
}
__attribute__((unused)) static __m512 _mm512_min_ps(__m512 a, __m512 b) {
  EMULATED_LANES if (a.lane[i] < b.lane[i]) b.lane[i] = a.lane[i];
  return b;
}

#endif
