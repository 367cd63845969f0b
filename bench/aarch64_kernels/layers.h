/* What generate.cpp writes and driver.c runs: the layers, their kernels, and the yardstick's form of their weights. */
#ifndef ESPALIER_BENCH_AARCH64_LAYERS_H
#define ESPALIER_BENCH_AARCH64_LAYERS_H

#include "espalier/kernel_abi.h"
#include "yardstick.h"

struct compiled_layer {
  const espalier_kernel* kernel;
  const char* schedule; /* as chosen: form, tile, block sizes */
};

struct layer {
  const char* name;
  size_t outputs, inputs, pixels;
  size_t stride;                       /* elements, of the rows of X and Y as images */
  struct compiled_layer panels, image; /* image: plain CHW */
  struct yardstick_weights yardstick;  /* reads and writes images */
};

extern const struct layer layers[];
extern const size_t layer_count;
extern const char cpu[]; /* that the kernels were compiled for */

/* Room for the largest layer in both layouts. */
extern float input[], output[], expected[];

#endif
