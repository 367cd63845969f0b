/* run_kernels FOLDER: calls every kernel of an emitted library on FOLDER/NAME.x.f32 and writes FOLDER/NAME.y.f32 (raw
 * fp32, all rows at their strides). An example of a C program around emitted code: it includes the emitted header and
 * links the emitted object and the runtime's checks; quickstart.sh makes kernel_list.h out of the header. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "espalier/runtime.h"
#include "kernels.h"

static const espalier_kernel *const kKernels[] = {
#include "kernel_list.h"
};

static int fail(const char *where, const char *why) {
  fprintf(stderr, "%s: %s\n", where, why);
  return 0;
}

static FILE *open_data(const char *folder, const espalier_kernel *kernel, char which, const char *mode) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.%c.f32", folder, kernel->name, which);
  FILE *file = fopen(path, mode);
  if (!file) perror(path);
  return file;
}

/* The whole file must be exactly `count` floats. */
static int read_floats(FILE *file, float *values, size_t count) {
  const int ok = fread(values, sizeof(float), count, file) == count && fgetc(file) == EOF;
  return (fclose(file) == 0) & ok;
}

static int write_floats(FILE *file, const float *values, size_t count) {
  const int ok = fwrite(values, sizeof(float), count, file) == count;
  return (fclose(file) == 0) & ok;
}

static int run(const espalier_kernel *kernel, const char *folder, float *x, float *y) {
  const size_t x_count = (size_t)kernel->input_channels * kernel->input_stride;
  const size_t y_count = (size_t)kernel->output_channels * kernel->output_stride;
  char message[256];
  FILE *in = open_data(folder, kernel, 'x', "rb");
  if (!in) return 0;
  if (!read_floats(in, x, x_count)) return fail(kernel->name, "x.f32 is not input_channels x input_stride floats");
  if (espalier_kernel_run_checked(kernel, x, y, kernel->max_pixels, message, sizeof message) != ESPALIER_OK)
    return fail(kernel->name, message);
  FILE *out = open_data(folder, kernel, 'y', "wb");
  if (!out) return 0;
  return write_floats(out, y, y_count) || fail(kernel->name, "cannot write y.f32");
}

static int run_in_new_buffers(const espalier_kernel *kernel, const char *folder) {
  float *x = calloc((size_t)kernel->input_channels * kernel->input_stride + 1, sizeof(float));
  float *y = calloc((size_t)kernel->output_channels * kernel->output_stride + 1, sizeof(float));
  const int done = x && y ? run(kernel, folder, x, y) : fail(kernel->name, "out of memory");
  free(x);
  free(y);
  return done;
}

int main(int argc, char **argv) {
  const size_t count = sizeof kKernels / sizeof *kKernels;
  if (argc != 2) return fail("usage", "run_kernels FOLDER"), 2;
  for (size_t i = 0; i < count; ++i)
    if (!run_in_new_buffers(kKernels[i], argv[1])) return 1;
  printf("%zu kernels\n", count);
  return 0;
}
