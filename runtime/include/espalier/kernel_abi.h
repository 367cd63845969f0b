/* The contract between emitted kernels and whoever calls them. C99 and C++, no dependencies, no library needed:
 * a caller that links emitted code only includes this header and calls espalier_kernel_run.
 *
 * Formula  Y[m, p] = clamp(bias[m] + sum over k ascending of W[m, k] * X[k, p]); the weights are inside the kernel.
 * Shapes   X[input_channels, pixels], row k at x + k * input_stride; Y[output_channels, pixels], row m at
 *          y + m * output_stride.
 * Units    strides, offsets and pixels are elements (fp32) unless a name says bytes.
 * Aliasing X and Y must not overlap.
 * Aligned  x and y need the 4 bytes of a float; 64 bytes and strides that are multiples of 16 elements, but of no
 *          page (1024 elements), run fastest.
 * Reading  exactly the pixels of each row: no over-read and no write past a row's pixels.
 * Threads  work items of one call may run on any threads in any order; kernels have no state. Results do not depend on
 *          how items are spread.
 * Errors   kernels cannot fail; espalier_kernel_check (runtime) refuses what this machine or version cannot run.
 *
 * Versioning: ESPALIER_ABI_VERSION changes when a field or a rule does. Emitted code carries the version it was made
 * for, and struct_bytes, so that a reader never looks past what a writer wrote.
 */
#ifndef ESPALIER_KERNEL_ABI_H
#define ESPALIER_KERNEL_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ESPALIER_ABI_VERSION 1u

/* CPU features a kernel may need (espalier_kernel.cpu_features) and a machine may have. */
#define ESPALIER_CPU_AVX2 ((uint64_t)1 << 0)          /* AVX2, saved by the operating system */
#define ESPALIER_CPU_FMA ((uint64_t)1 << 1)           /* x86 FMA3 */
#define ESPALIER_CPU_AVX512F ((uint64_t)1 << 2)       /* AVX-512 foundation, saved by the operating system */
#define ESPALIER_CPU_NEON ((uint64_t)1 << 8)          /* AArch64 Advanced SIMD */
#define ESPALIER_CPU_SIMD128 ((uint64_t)1 << 16)      /* WebAssembly fixed-width SIMD */
#define ESPALIER_CPU_RELAXED_SIMD ((uint64_t)1 << 17) /* WebAssembly relaxed SIMD */

/* One function of emitted code: x and y at the first pixel of the range, weights at the chunk's slice. Internal: call
 * it through the functions below, which know the order chunks must run in and the ranges they accept. */
typedef void (*espalier_chunk_function)(const float* x, float* y, const float* weights, size_t pixels);

typedef struct espalier_chunk {
  espalier_chunk_function run;
  uint64_t weights_offset; /* elements into espalier_kernel.weights */
} espalier_chunk;

/* Output channels [first_row, first_row + rows), computed by chunks [first_chunk, first_chunk + chunks) in order. */
typedef struct espalier_row_group {
  uint32_t first_row, rows;
  uint32_t first_chunk, chunks;
} espalier_row_group;

/* One compiled kernel; constant data inside the emitted code, owned by it. */
typedef struct espalier_kernel {
  uint32_t abi_version;  /* ESPALIER_ABI_VERSION of the emitter */
  uint32_t struct_bytes; /* sizeof(espalier_kernel) of the emitter */
  const char* name;      /* zero-terminated */
  uint64_t cpu_features; /* ESPALIER_CPU_* that the code uses */
  uint64_t nonzeros;
  uint32_t output_channels, input_channels;
  uint32_t input_stride, output_stride; /* elements */
  uint32_t pixels;                      /* the pixel count, or 0 if it is chosen at each call */
  uint32_t max_pixels;                  /* largest pixel count of a call; equals pixels when that is not 0 */
  uint32_t pixel_block;                 /* pixels of one work item; the last may have fewer */
  uint32_t group_count, chunk_count;
  uint32_t reserved; /* 0 */
  const espalier_row_group* groups;
  const espalier_chunk* chunks;
  const float* weights;   /* weights, biases and clamp bounds in order of use */
  uint64_t weights_count; /* elements */
} espalier_kernel;

/* Work items of a call over `pixels` pixels: pixel blocks x row groups. */
static inline size_t espalier_kernel_items(const espalier_kernel* kernel, size_t pixels) {
  const size_t block = kernel->pixel_block;
  return (pixels / block + (pixels % block != 0)) * kernel->group_count;
}

/* Runs work items [first_item, last_item) of a call over `pixels` pixels. Item i is row group i % group_count of pixel
 * block i / group_count. `pixels` must equal kernel->pixels unless that is 0, and be at most kernel->max_pixels. */
static inline void espalier_kernel_run_items(const espalier_kernel* kernel, const float* x, float* y, size_t pixels,
                                             size_t first_item, size_t last_item) {
  for (size_t item = first_item; item < last_item; ++item) {
    const espalier_row_group* group = &kernel->groups[item % kernel->group_count];
    const size_t pixel = item / kernel->group_count * kernel->pixel_block;
    const size_t left = pixels - pixel;
    const size_t count = left < kernel->pixel_block ? left : kernel->pixel_block;
    for (uint32_t c = 0; c < group->chunks; ++c) {
      const espalier_chunk* chunk = &kernel->chunks[group->first_chunk + c];
      chunk->run(x + pixel, y + pixel, kernel->weights + chunk->weights_offset, count);
    }
  }
}

/* Runs a whole call on this thread. */
static inline void espalier_kernel_run(const espalier_kernel* kernel, const float* x, float* y, size_t pixels) {
  espalier_kernel_run_items(kernel, x, y, pixels, 0, espalier_kernel_items(kernel, pixels));
}

#ifdef __cplusplus
}
#endif
#endif
