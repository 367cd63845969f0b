/* The contract between emitted kernels and whoever calls them. C99 and C++, no dependencies, no library needed:
 * a caller that links emitted code only includes this header and calls espalier_kernel_run.
 *
 * Formula  Y[m, p] = clamp(bias[m] + sum over k ascending of W[m, k] * X[k, p]); the weights are inside the kernel.
 * Shapes   X[input_channels, pixels], row k at x + k * input_stride; Y[output_channels, pixels], row m at
 *          y + m * output_stride. Where input_panel (output_panel) is T > 0 the buffer is pixel panels instead,
 *          [ceil(pixels / T)][channels][T]: channel c of pixel p at (p / T) * channels * T + c * T + p % T. With an
 *          output_order, row m of Y is output channel output_order[m].
 * Units    strides, panels, offsets and pixels are elements (fp32) unless a name says bytes.
 * Aliasing X and Y must not overlap.
 * Aligned  x and y need the 4 bytes of a float; 64 bytes and strides that are multiples of 16 elements, but of no
 *          page (1024 elements), run fastest.
 * Reading  exactly the pixels of each row: no over-read and no write past a row's pixels. Between panels the padding
 *          of the last one is read and written as far as pixel_multiple says; what it holds does not matter.
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

#define ESPALIER_ABI_VERSION 3u

/* CPU features a kernel may need (espalier_kernel.cpu_features) and a machine may have. */
#define ESPALIER_CPU_AVX2 ((uint64_t)1 << 0)          /* AVX2, saved by the operating system */
#define ESPALIER_CPU_FMA ((uint64_t)1 << 1)           /* x86 FMA3 */
#define ESPALIER_CPU_AVX512F ((uint64_t)1 << 2)       /* AVX-512 foundation, saved by the operating system */
#define ESPALIER_CPU_AVX512VL ((uint64_t)1 << 3)      /* its forms of 128 and 256 bits */
#define ESPALIER_CPU_NEON ((uint64_t)1 << 8)          /* AArch64 Advanced SIMD */
#define ESPALIER_CPU_SIMD128 ((uint64_t)1 << 16)      /* WebAssembly fixed-width SIMD */
#define ESPALIER_CPU_RELAXED_SIMD ((uint64_t)1 << 17) /* WebAssembly relaxed SIMD */

/* One function of emitted code: x and y at the first pixel of the range, weights and indices at the chunk's slices.
 * Internal: call it through the functions below, which know the order chunks must run in and the ranges they accept. */
typedef void (*espalier_chunk_function)(const float* x, float* y, const float* weights, size_t pixels,
                                        const void* indices);

typedef struct espalier_chunk {
  espalier_chunk_function run;
  uint64_t weights_offset; /* elements into espalier_kernel.weights */
  uint64_t indices_offset; /* bytes into espalier_kernel.indices */
} espalier_chunk;

/* `rows` output channels, computed by chunks [first_chunk, first_chunk + chunks) in order. They are the rows
 * [first_row, first_row + rows) of the matrix in an order of the compiler's own; each is stored where it belongs. */
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
  uint32_t input_stride, output_stride; /* elements; of panels their width */
  uint32_t input_panel, output_panel;   /* pixels of a panel, or 0 for one CHW image */
  uint32_t pixels;                      /* the pixel count, or 0 if it is chosen at each call */
  uint32_t max_pixels;                  /* largest pixel count of a call; equals pixels when that is not 0 */
  uint32_t pixel_block;                 /* pixels of one work item; the last may have fewer */
  uint32_t pixel_multiple;              /* pixel counts are rounded up to a multiple of this (1, or between panels) */
  uint32_t group_count, chunk_count;
  uint32_t pixel_tile; /* pixels after which a work item may be divided; pixel_block is a multiple of it */
  uint32_t reserved;   /* 0 */
  const espalier_row_group* groups;
  const espalier_chunk* chunks;
  const float* weights;         /* weights, biases and clamp bounds in order of use */
  uint64_t weights_count;       /* elements */
  const void* indices;          /* loop counts and offsets in order of use; any address if there are none */
  uint64_t indices_bytes;       /* bytes */
  const uint32_t* output_order; /* output_channels numbers, or null: row m of Y is output channel m */
} espalier_kernel;

/* Elements of a buffer for `pixels` pixels of `channels` channels in rows of `stride` elements, or in panels. */
static inline size_t espalier_buffer_elements(size_t channels, size_t pixels, size_t stride, size_t panel) {
  if (panel != 0) return (pixels + panel - 1) / panel * panel * channels;
  return channels == 0 ? 0 : (channels - 1) * stride + pixels;
}
static inline size_t espalier_kernel_input_elements(const espalier_kernel* kernel, size_t pixels) {
  return espalier_buffer_elements(kernel->input_channels, pixels, kernel->input_stride, kernel->input_panel);
}
static inline size_t espalier_kernel_output_elements(const espalier_kernel* kernel, size_t pixels) {
  return espalier_buffer_elements(kernel->output_channels, pixels, kernel->output_stride, kernel->output_panel);
}

/* Where pixel `pixel` of channel 0 stands: elements from the start of the buffer. */
static inline size_t espalier_pixel_place(size_t pixel, size_t panel, size_t channels) {
  return panel == 0 ? pixel : pixel / panel * panel * channels + pixel % panel;
}

/* The pixels that are computed for a call over `pixels` pixels. */
static inline size_t espalier_kernel_padded(const espalier_kernel* kernel, size_t pixels) {
  const size_t multiple = kernel->pixel_multiple;
  return (pixels + multiple - 1) / multiple * multiple;
}

/* Work items of a call over `pixels` pixels: pixel blocks x row groups. */
static inline size_t espalier_kernel_items(const espalier_kernel* kernel, size_t pixels) {
  const size_t block = kernel->pixel_block, padded = espalier_kernel_padded(kernel, pixels);
  return (padded / block + (padded % block != 0)) * kernel->group_count;
}

/* One row group over pixels [pixel, pixel + count). Internal. */
static inline void espalier_kernel_run_group(const espalier_kernel* kernel, const float* x, float* y, size_t pixel,
                                             size_t count, const espalier_row_group* group) {
  const float* block_x = x + espalier_pixel_place(pixel, kernel->input_panel, kernel->input_channels);
  float* block_y = y + espalier_pixel_place(pixel, kernel->output_panel, kernel->output_channels);
  for (uint32_t c = 0; c < group->chunks; ++c) {
    const espalier_chunk* chunk = &kernel->chunks[group->first_chunk + c];
    chunk->run(block_x, block_y, kernel->weights + chunk->weights_offset, count,
               (const char*)kernel->indices + chunk->indices_offset);
  }
}

/* Runs work items [first_item, last_item) of a call over `pixels` pixels. Item i is row group i % group_count of pixel
 * block i / group_count. `pixels` must equal kernel->pixels unless that is 0, and be at most kernel->max_pixels. */
static inline void espalier_kernel_run_items(const espalier_kernel* kernel, const float* x, float* y, size_t pixels,
                                             size_t first_item, size_t last_item) {
  const size_t padded = espalier_kernel_padded(kernel, pixels);
  for (size_t item = first_item; item < last_item; ++item) {
    const espalier_row_group* group = &kernel->groups[item % kernel->group_count];
    const size_t pixel = item / kernel->group_count * kernel->pixel_block;
    const size_t left = padded - pixel;
    espalier_kernel_run_group(kernel, x, y, pixel, left < kernel->pixel_block ? left : kernel->pixel_block, group);
  }
}

/* The finest division of a call, for threads that would otherwise wait for each other: tiles x row groups. A work item
 * may be many tiles, because code that stays in the caches is fetched once for all of them. */
static inline size_t espalier_kernel_tiles(const espalier_kernel* kernel, size_t pixels) {
  const size_t tile = kernel->pixel_tile, padded = espalier_kernel_padded(kernel, pixels);
  return (padded / tile + (padded % tile != 0)) * kernel->group_count;
}

/* Runs tiles [first_tile, last_tile): tile i is row group i % group_count of pixels from i / group_count * pixel_tile
 * on. Neighbours in one block run together. */
static inline void espalier_kernel_run_tiles(const espalier_kernel* kernel, const float* x, float* y, size_t pixels,
                                             size_t first_tile, size_t last_tile) {
  const size_t padded = espalier_kernel_padded(kernel, pixels), groups = kernel->group_count;
  for (size_t at = first_tile; at < last_tile;) {
    const size_t group = at % groups, pixel = at / groups * kernel->pixel_tile, whole = (last_tile - at) / groups;
    const size_t most = (kernel->pixel_block - pixel % kernel->pixel_block) / kernel->pixel_tile;
    const int is_block = group == 0 && whole > 0; /* all groups of some tiles, else some groups of one tile */
    const size_t tiles = !is_block ? 1 : whole < most ? whole : most;
    const size_t last = is_block ? groups : last_tile - at < groups - group ? group + (last_tile - at) : groups;
    const size_t left = padded - pixel, wanted = tiles * kernel->pixel_tile;
    for (size_t g = group; g < last; ++g)
      espalier_kernel_run_group(kernel, x, y, pixel, left < wanted ? left : wanted, &kernel->groups[g]);
    at += is_block ? tiles * groups : last - group;
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
