/* Times every layer's kernels, in panels and in plain CHW, against the yardstick. Made for simulators as much as for
 * machines: no files, no heap, no threads, cheap inputs, few repetitions.
 *
 *     aarch64_kernels [REPETITIONS [REGULAR-EXPRESSION]]
 *
 * Exit status: 0, or 1 when an answer is wrong or an argument makes no sense. */
#include <math.h>

#include "stretches.h"

static void run_panels(const struct layer* l) { espalier_kernel_run(l->panels.kernel, input, output, l->pixels); }
static void run_image(const struct layer* l) { espalier_kernel_run(l->image.kernel, input, output, l->pixels); }

/* Up to a panel's end, so that the padding holds no denormals. */
static void fill_input(const espalier_kernel* k, size_t pixels) {
  const size_t panel = k->input_panel ? k->input_panel : pixels;
  for (size_t first = 0; first < pixels; first += panel) {
    float* at = input + espalier_pixel_place(first, k->input_panel, k->input_channels);
    for (size_t c = 0; c < k->input_channels; ++c)
      for (size_t i = 0; i < panel; ++i) at[c * k->input_stride + i] = input_value(c, first + i);
  }
}

static float output_value(const espalier_kernel* k, size_t row, size_t pixel) {
  return output[espalier_pixel_place(pixel, k->output_panel, k->output_channels) + row * k->output_stride];
}

/* The largest difference to the yardstick, relative to its largest output; of every row, and of every pixel in some
 * rows (all would take longer than the kernels). */
static float difference(const struct layer* l, const espalier_kernel* k) {
  enum { kStep = 61 }; /* below the least number of rows */
  float most = 0, largest = 0;
  for (size_t place = 0; place < l->outputs; ++place) {
    const size_t row = k->output_order ? k->output_order[place] : place;
    for (size_t p = place % kStep; p < l->pixels; p += kStep) {
      const float right = expected[row * l->stride + p], error = fabsf(output_value(k, place, p) - right);
      if (!(error <= most)) most = error;
      if (right > largest) largest = right;
    }
  }
  return most / largest;
}

static double gflops(const struct layer* l, double time) {
  return 2e-9 * (double)l->yardstick.nonzeros * (double)l->pixels / time;
}

struct summary {
  double logs, least;
  int layers, wrong;
};

static void report(const struct layer* l, const struct compiled_layer* c, double time, double yardstick,
                   struct summary* s) {
  const double ratio = yardstick / time;
  const int wrong = !(difference(l, c->kernel) <= 1e-4f);
  s->logs += log(ratio), s->wrong += wrong, ++s->layers;
  if (s->layers == 1 || ratio < s->least) s->least = ratio;
  printf("%-8s %4zux%-3zu %5zu pixels %5zu non-zeros  panels %2u  %s  %.3f GFLOP/s, yardstick %.3f, ratio %.3f%s\n",
         l->name, l->outputs, l->inputs, l->pixels, l->yardstick.nonzeros, c->kernel->input_panel, c->schedule,
         gflops(l, time), gflops(l, yardstick), ratio, wrong ? "  WRONG" : "");
  fflush(stdout);
}

static void run_layer(const struct layer* l, int repetitions, struct summary* panels, struct summary* image) {
  fill_input(l->image.kernel, l->pixels);
  const double yardstick = measure(run_yardstick, l, repetitions);
  const double image_time = measure(run_image, l, repetitions);
  report(l, &l->image, image_time, yardstick, image);
  fill_input(l->panels.kernel, l->pixels);
  const double panels_time = measure(run_panels, l, repetitions);
  report(l, &l->panels, panels_time, yardstick, panels);
}

static void print_summary(const char* layout, const struct summary* s) {
  if (s->layers == 0) return;
  printf("%-6s for %s: geometric mean %.3f, least %.3f, of %d layers, %d WRONG\n", layout, cpu,
         exp(s->logs / s->layers), s->least, s->layers, s->wrong);
}

int main(int argc, char** argv) {
  const struct arguments a = parse_arguments(argc, argv);
  if (a.repetitions == 0) return 1;
  struct summary panels = {0}, image = {0};
  for (const struct layer* l = layers; l < layers + layer_count; ++l)
    if (is_wanted(&a, l->name)) run_layer(l, a.repetitions, &panels, &image);
  print_summary("panels", &panels);
  print_summary("CHW", &image);
  return panels.wrong + image.wrong != 0 || panels.layers == 0;
}
