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
typedef struct {
  int lane[16];
} __m512i;
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
__attribute__((unused)) static __m512 _mm512_add_ps(__m512 a, __m512 b) {
  EMULATED_LANES a.lane[i] = a.lane[i] + b.lane[i];
  return a;
}
__attribute__((unused)) static __m512 _mm512_sub_ps(__m512 a, __m512 b) {
  EMULATED_LANES a.lane[i] = a.lane[i] - b.lane[i];
  return a;
}
__attribute__((unused)) static __m512 _mm512_mul_ps(__m512 a, __m512 b) {
  EMULATED_LANES a.lane[i] = a.lane[i] * b.lane[i];
  return a;
}
__attribute__((unused)) static __m512 _mm512_div_ps(__m512 a, __m512 b) {
  EMULATED_LANES a.lane[i] = a.lane[i] / b.lane[i];
  return a;
}
/* Only to the nearest, the default of the machine. */
__attribute__((unused)) static __m512 _mm512_roundscale_ps(__m512 a, int to_nearest) {
  EMULATED_LANES a.lane[i] = to_nearest == 8 ? nearbyintf(a.lane[i]) : NAN;
  return a;
}
__attribute__((unused)) static __m512i _mm512_set1_epi32(int a) {
  __m512i d;
  EMULATED_LANES d.lane[i] = a;
  return d;
}
__attribute__((unused)) static __m512i _mm512_cvttps_epi32(__m512 a) {
  __m512i d;
  EMULATED_LANES d.lane[i] = (int)a.lane[i];
  return d;
}
__attribute__((unused)) static __m512i _mm512_add_epi32(__m512i a, __m512i b) {
  EMULATED_LANES a.lane[i] += b.lane[i];
  return a;
}
__attribute__((unused)) static __m512i _mm512_slli_epi32(__m512i a, unsigned bits) {
  EMULATED_LANES a.lane[i] = (int)((unsigned)a.lane[i] << bits);
  return a;
}
__attribute__((unused)) static __m512i _mm512_castps_si512(__m512 a) {
  __m512i d;
  __builtin_memcpy(&d, &a, sizeof d);
  return d;
}
__attribute__((unused)) static __m512 _mm512_castsi512_ps(__m512i a) {
  __m512 d;
  __builtin_memcpy(&d, &a, sizeof d);
  return d;
}
#define _mm512_setr_epi32(...) ((__m512i){{__VA_ARGS__}})
#define _mm512_setr_ps(...) ((__m512){{__VA_ARGS__}})
__attribute__((unused)) static __m512 _mm512_permutex2var_ps(__m512 a, __m512i index, __m512 b) {
  __m512 d;
  EMULATED_LANES d.lane[i] = (index.lane[i] & 16 ? b : a).lane[index.lane[i] & 15];
  return d;
}
/* The first lanes of a go, in order, to those that the mask has. */
__attribute__((unused)) static __m512 _mm512_maskz_expand_ps(__mmask16 mask, __m512 a) {
  __m512 d = _mm512_setzero_ps();
  int next = 0;
  EMULATED_LANES if (mask >> i & 1) d.lane[i] = a.lane[next++];
  return d;
}
/* Groups of four lanes: the lower two of the result from a, the upper two from b. */
__attribute__((unused)) static __m512 _mm512_shuffle_f32x4(__m512 a, __m512 b, int groups) {
  __m512 d;
  EMULATED_LANES d.lane[i] = (i < 8 ? a : b).lane[4 * (groups >> 2 * (i / 4) & 3) + i % 4];
  return d;
}

#endif
