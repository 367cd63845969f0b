/* Runs every case of cases.c three times and writes the results: as one call, item by item in shuffled order, and chunk
 * by chunk with all callee-saved registers watched. Inputs and outputs end at pages that cannot be touched, and
 * canaries stand around the output rows. Exit status: 0, or 1 with the first failure on stdout. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "espalier/kernel_abi.h"

struct test_case {
  const espalier_kernel *kernel;
  size_t pixels;
};
extern const struct test_case cases[];
extern const size_t case_count;

enum { kPage = 4096, kPageFloats = 1024, kCanaries = 16 };
static const uint32_t kCanary = 0x7fc0dead;

/* The same values as random_input in test/support/random_program.cpp. */
static float random_input(uint32_t row, uint32_t pixel) {
  uint32_t h = row * 2654435761u + pixel * 2246822519u + 374761393u;
  h = (h ^ (h >> 15)) * 3266489917u;
  return ((float)((h >> 8) & 0xffff) - 32768.0f) / 32768.0f;
}

struct region {
  char *base;
  size_t bytes;
};

static void *forbid(char *at) {
  if (mprotect(at, kPage, PROT_NONE) != 0) abort();
  return at;
}

/* A buffer for rows x pixels floats, as an image or as panels: it ends at a forbidden page, and in images with strides
 * that are multiples of two pages every row does. */
static float *allocate(struct region *region, size_t rows, size_t stride, size_t panel, size_t pixels) {
  const size_t bytes = espalier_buffer_elements(rows, pixels, stride, panel) * sizeof(float);
  region->bytes = (bytes + 2 * kPage) / kPage * kPage + kPage;
  region->base = mmap(NULL, region->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (region->base == MAP_FAILED) abort();
  char *end = forbid(region->base + region->bytes - kPage);
  float *first = (float *)(end - bytes);
  if (panel == 0 && stride % (2 * kPageFloats) == 0 && pixels <= kPageFloats)
    for (size_t r = 0; r < rows; ++r) forbid((char *)(first + r * stride + pixels));
  return first;
}

struct buffers {
  const espalier_kernel *kernel;
  size_t pixels;
  float *x, *y;
  struct region x_region, y_region;
};

static float *x_at(const struct buffers *b, size_t row, size_t pixel) {
  const espalier_kernel *k = b->kernel;
  return b->x + espalier_pixel_place(pixel, k->input_panel, k->input_channels) + row * k->input_stride;
}
static float *y_at(const struct buffers *b, size_t row, size_t pixel) {
  const espalier_kernel *k = b->kernel;
  return b->y + espalier_pixel_place(pixel, k->output_panel, k->output_channels) + row * k->output_stride;
}

/* The padding of the last panels has 0.5. */
static void fill_input(const struct buffers *b) {
  const size_t panel = b->kernel->input_panel, left = panel ? b->pixels % panel : 0;
  const size_t padded = b->pixels + (left ? panel - left : 0);
  for (size_t r = 0; r < b->kernel->input_channels; ++r)
    for (size_t i = 0; i < padded; ++i) *x_at(b, r, i) = i < b->pixels ? random_input((uint32_t)r, (uint32_t)i) : 0.5f;
}

/* Floats after a row's last pixel that may be looked at but must not be written: in an image up to the next row, in
 * panels up to the panel's end, but not what pixel_multiple allows to be written. */
static size_t first_canary(const struct buffers *b) {
  return b->kernel->output_panel ? espalier_kernel_padded(b->kernel, b->pixels) : b->pixels;
}
static size_t last_canary(const struct buffers *b, size_t row) {
  const size_t stride = b->kernel->output_stride, panel = b->kernel->output_panel;
  if (panel) return (b->pixels + panel - 1) / panel * panel;
  if (stride % (2 * kPageFloats) == 0 || row + 1 == b->kernel->output_channels) return b->pixels;
  const size_t between = stride - b->pixels;
  return b->pixels + (between < kCanaries ? between : kCanaries);
}

static void fill_canaries(const struct buffers *b) {
  for (size_t m = 0; m < b->kernel->output_channels; ++m)
    for (size_t i = 0; i < last_canary(b, m); ++i) memcpy(y_at(b, m, i), &kCanary, 4);
  memset((char *)b->y - sizeof(float), 0x5a, sizeof(float));
}

static int canaries_live(const struct buffers *b) {
  for (size_t m = 0; m < b->kernel->output_channels; ++m)
    for (size_t i = first_canary(b); i < last_canary(b, m); ++i)
      if (memcmp(y_at(b, m, i), &kCanary, 4) != 0) return 0;
  const char before[4] = {0x5a, 0x5a, 0x5a, 0x5a};
  return memcmp((char *)b->y - sizeof before, before, sizeof before) == 0;
}

#if defined(__aarch64__)
enum { kWatched = 20 }; /* d8-d15, x18-x28, sp */
struct call {
  espalier_chunk_function run;
  const float *x;
  float *y;
  const float *weights;
  size_t pixels;
  const void *indices;
  uint64_t before, after[kWatched]; /* before: sp */
};
void call_watched(struct call *call);
#define PATTERN_D(i) "mov x9, #" #i "*257\n fmov d" #i ", x9\n"
#define PATTERN_X(i) "mov x" #i ", #" #i "*259\n"
__asm__(
    ".text\n.globl call_watched\ncall_watched:\n"
    "stp x29, x30, [sp, #-192]!\n stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n stp x23, x24, [sp, #48]\n"
    "stp x25, x26, [sp, #64]\n stp x27, x28, [sp, #80]\n stp d8, d9, [sp, #96]\n stp d10, d11, [sp, #112]\n"
    "stp d12, d13, [sp, #128]\n stp d14, d15, [sp, #144]\n stp x0, x18, [sp, #160]\n"
    "mov x9, sp\n str x9, [x0, #48]\n"
    PATTERN_D(8) PATTERN_D(9) PATTERN_D(10) PATTERN_D(11) PATTERN_D(12) PATTERN_D(13) PATTERN_D(14) PATTERN_D(15)
    PATTERN_X(18) PATTERN_X(19) PATTERN_X(20) PATTERN_X(21) PATTERN_X(22) PATTERN_X(23) PATTERN_X(24) PATTERN_X(25)
    PATTERN_X(26) PATTERN_X(27) PATTERN_X(28)
    "mov x9, x0\n ldp x10, x0, [x9]\n ldp x1, x2, [x9, #16]\n ldp x3, x4, [x9, #32]\n blr x10\n"
    "ldr x9, [sp, #160]\n add x9, x9, #56\n"
    "stp d8, d9, [x9], #16\n stp d10, d11, [x9], #16\n stp d12, d13, [x9], #16\n stp d14, d15, [x9], #16\n"
    "stp x18, x19, [x9], #16\n stp x20, x21, [x9], #16\n stp x22, x23, [x9], #16\n stp x24, x25, [x9], #16\n"
    "stp x26, x27, [x9], #16\n mov x10, sp\n stp x28, x10, [x9]\n"
    "ldp x0, x18, [sp, #160]\n ldp d14, d15, [sp, #144]\n ldp d12, d13, [sp, #128]\n ldp d10, d11, [sp, #112]\n"
    "ldp d8, d9, [sp, #96]\n ldp x27, x28, [sp, #80]\n ldp x25, x26, [sp, #64]\n ldp x23, x24, [sp, #48]\n"
    "ldp x21, x22, [sp, #32]\n ldp x19, x20, [sp, #16]\n ldp x29, x30, [sp], #192\n ret\n");

static int registers_kept(const struct call *call) {
  for (uint64_t i = 0; i < 8; ++i)
    if (call->after[i] != (i + 8) * 257) return 0;
  for (uint64_t i = 0; i < 11; ++i)
    if (call->after[8 + i] != (i + 18) * 259) return 0;
  return call->after[kWatched - 1] == call->before;
}

static int run_watched(const struct buffers *b) {
  const espalier_kernel *k = b->kernel;
  for (size_t item = 0; item < espalier_kernel_items(k, b->pixels); ++item) {
    const espalier_row_group *group = &k->groups[item % k->group_count];
    const size_t pixel = item / k->group_count * k->pixel_block;
    const size_t left = espalier_kernel_padded(k, b->pixels) - pixel;
    for (uint32_t c = group->first_chunk; c < group->first_chunk + group->chunks; ++c) {
      const espalier_chunk *chunk = &k->chunks[c];
      struct call call = {chunk->run,
                          x_at(b, 0, pixel),
                          y_at(b, 0, pixel),
                          k->weights + chunk->weights_offset,
                          left < k->pixel_block ? left : k->pixel_block,
                          (const char *)k->indices + chunk->indices_offset,
                          0,
                          {0}};
      call_watched(&call);
      if (!registers_kept(&call)) return 0;
    }
  }
  return 1;
}
#else
static int run_watched(const struct buffers *b) {
  espalier_kernel_run(b->kernel, b->x, b->y, b->pixels);
  return 1;
}
#endif

static void run_shuffled(const struct buffers *b) {
  const size_t items = espalier_kernel_items(b->kernel, b->pixels);
  size_t *order = malloc((items + 1) * sizeof *order);
  for (size_t i = 0; i < items; ++i) order[i] = i;
  uint32_t state = 12345;
  for (size_t i = items; i > 1; --i) {
    const size_t j = (state = state * 1664525u + 1013904223u) % i, kept = order[i - 1];
    order[i - 1] = order[j], order[j] = kept;
  }
  for (size_t i = 0; i < items; ++i)
    espalier_kernel_run_items(b->kernel, b->x, b->y, b->pixels, order[i], order[i] + 1);
  free(order);
}

static float *packed(const struct buffers *b) {
  float *rows = malloc(b->kernel->output_channels * b->pixels * sizeof(float) + 1);
  for (size_t m = 0; m < b->kernel->output_channels; ++m)
    for (size_t i = 0; i < b->pixels; ++i) rows[m * b->pixels + i] = *y_at(b, m, i);
  return rows;
}

static int fail(const struct buffers *b, const char *what) {
  printf("kernel %s, %zu pixels: %s\n", b->kernel->name, b->pixels, what);
  return 1;
}

static int run_case(const struct test_case *c, FILE *out) {
  const espalier_kernel *k = c->kernel;
  struct buffers b = {.kernel = k, .pixels = c->pixels};
  b.x = allocate(&b.x_region, k->input_channels, k->input_stride, k->input_panel, b.pixels);
  b.y = allocate(&b.y_region, k->output_channels, k->output_stride, k->output_panel, b.pixels);
  fill_input(&b);
  const size_t floats = k->output_channels * b.pixels;
  fill_canaries(&b);
  espalier_kernel_run(k, b.x, b.y, b.pixels);
  if (!canaries_live(&b)) return fail(&b, "wrote outside its rows");
  float *first = packed(&b);
  fwrite(first, sizeof(float), floats, out);
  fill_canaries(&b);
  run_shuffled(&b);
  float *second = packed(&b);
  if (memcmp(first, second, floats * sizeof(float)) != 0) return fail(&b, "shuffled items give other results");
  fill_canaries(&b);
  if (!run_watched(&b)) return fail(&b, "does not keep callee-saved registers");
  float *third = packed(&b);
  if (memcmp(first, third, floats * sizeof(float)) != 0) return fail(&b, "a second call gives other results");
  free(first), free(second), free(third);
  munmap(b.x_region.base, b.x_region.bytes);
  munmap(b.y_region.base, b.y_region.bytes);
  return 0;
}

int main(int argc, char **argv) {
  FILE *out = argc == 2 ? fopen(argv[1], "wb") : NULL;
  if (!out) return puts("usage: driver RESULTS"), 1;
  int failed = 0;
  for (size_t i = 0; i < case_count && !failed; ++i) failed = run_case(&cases[i], out);
  return fclose(out) != 0 || failed;
}
