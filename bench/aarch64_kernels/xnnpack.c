/* XNNPACK's own operator on the layers of layers.h, after the yardstick: what counts.sh counts of ours, for it.
 *
 *     xnnpack [REPETITIONS [REGULAR-EXPRESSION]]
 *
 * Prints a line a layer as aarch64_kernels does. Exit status: 0, or 1 when the two disagree or XNNPACK refuses. */
#include <math.h>
#include <xnnpack.h>

#include "stretches.h"

static void fail(const char* call, int status) {
  fprintf(stderr, "xnnpack: %s: status %d\n", call, status);
  exit(1);
}

/* The yardstick's weights as a dense matrix; its biases. */
static void spread(const struct layer* l, float* dense, float* bias) {
  const struct yardstick_weights* w = &l->yardstick;
  const float* value = w->values;
  const int32_t* step = w->steps;
  ptrdiff_t column = (ptrdiff_t)w->first_input;
  for (size_t row = 0; row < w->rows; ++row) {
    bias[row] = *value++;
    for (uint32_t n = w->counts[row]; n != 0; --n) {
      dense[row * l->inputs + (size_t)column] = *value++;
      column += *step++ / (ptrdiff_t)(l->stride * sizeof(float));
    }
  }
}

static xnn_operator_t make_operator(const struct layer* l) {
  float* dense = calloc(l->outputs * l->inputs, sizeof(float));
  float* bias = calloc(l->outputs, sizeof(float));
  if (!dense || !bias) fail("calloc", 0);
  spread(l, dense, bias);
  xnn_operator_t made = NULL;
  const enum xnn_status status =
      xnn_create_convolution2d_nchw_f32(0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, l->inputs, l->outputs, l->inputs, l->outputs,
                                        dense, bias, l->yardstick.low, l->yardstick.high, 0, &made);
  if (status != xnn_status_success) fail("xnn_create_convolution2d_nchw_f32", status);
  free(dense), free(bias);
  return made;
}

static xnn_operator_t op;
static void run_xnnpack(const struct layer* l) {
  (void)l; /* op is bound to its buffers */
  if (xnn_run_operator(op, NULL) != xnn_status_success) fail("xnn_run_operator", 0);
}

/* The largest difference, relative to the largest output; its rows have no gaps. */
static float difference(const struct layer* l, const float* y) {
  float most = 0, largest = 0;
  for (size_t row = 0; row < l->outputs; ++row)
    for (size_t p = 0; p < l->pixels; ++p) {
      const float right = expected[row * l->stride + p], error = fabsf(y[row * l->pixels + p] - right);
      if (!(error <= most)) most = error;
      if (right > largest) largest = right;
    }
  return most / largest;
}

static int run_layer(const struct layer* l, int repetitions) {
  float* x = malloc(l->inputs * l->pixels * sizeof(float) + XNN_EXTRA_BYTES);
  float* y = malloc(l->outputs * l->pixels * sizeof(float));
  if (!x || !y) fail("malloc", 0);
  for (size_t c = 0; c < l->inputs; ++c)
    for (size_t p = 0; p < l->pixels; ++p) x[c * l->pixels + p] = input[c * l->stride + p] = input_value(c, p);
  const double yardstick = measure(run_yardstick, l, repetitions);
  op = make_operator(l);
  xnn_setup_convolution2d_nchw_f32(op, 1, 1, l->pixels, x, y, NULL);
  const double xnnpack = measure(run_xnnpack, l, repetitions);
  xnn_delete_operator(op);
  const int wrong = !(difference(l, y) <= 1e-4f);
  printf("%-8s %4zux%-3zu %5zu pixels %5zu non-zeros  yardstick / XNNPACK %.3f%s\n", l->name, l->outputs, l->inputs,
         l->pixels, l->yardstick.nonzeros, yardstick / xnnpack, wrong ? "  WRONG" : "");
  fflush(stdout);
  free(x), free(y);
  return wrong;
}

int main(int argc, char** argv) {
  const struct arguments a = parse_arguments(argc, argv);
  if (a.repetitions == 0) return 1;
  if (xnn_initialize(NULL) != xnn_status_success) fail("xnn_initialize", 0);
  int wrong = 0;
  for (const struct layer* l = layers; l < layers + layer_count; ++l)
    if (is_wanted(&a, l->name)) wrong += run_layer(l, a.repetitions);
  return wrong != 0;
}
