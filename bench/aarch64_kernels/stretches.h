/* What the programs of this folder have in common: stretches that are timed or counted, inputs, arguments. Their
 * functions are defined here, so one file of a program includes it. */
#ifndef ESPALIER_BENCH_AARCH64_STRETCHES_H
#define ESPALIER_BENCH_AARCH64_STRETCHES_H

#include <regex.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "layers.h"

/* What lies between these two is what is timed; the counting plugin knows them by name. */
__attribute__((noinline)) double begin_timing(void);
__attribute__((noinline)) double end_timing(void);

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
double begin_timing(void) { return seconds(); }
double end_timing(void) { return seconds(); }

/* One untimed call, then the mean of the others: seconds. */
static double measure(void (*run)(const struct layer*), const struct layer* l, int repetitions) {
  run(l);
  const double start = begin_timing();
  for (int i = 0; i < repetitions; ++i) run(l);
  return (end_timing() - start) / repetitions;
}
static void run_yardstick(const struct layer* l) {
  yardstick_spmm(&l->yardstick, l->stride, l->pixels, input, expected);
}

/* -63/64 .. 1, the same for a pixel wherever it stands. */
static float input_value(size_t channel, size_t pixel) {
  return (float)((int)((channel * 61 + pixel * 29) & 127) - 63) * (1.0f / 64);
}

struct arguments {
  int repetitions; /* 0: they make no sense, which has been said */
  int has_pattern;
  regex_t pattern;
};
/* [REPETITIONS [REGULAR-EXPRESSION]] */
static struct arguments parse_arguments(int argc, char** argv) {
  struct arguments a = {argc > 1 ? atoi(argv[1]) : 2, argc > 2, {0}};
  const int wrong =
      a.repetitions < 1 || argc > 3 || (a.has_pattern && regcomp(&a.pattern, argv[2], REG_EXTENDED | REG_NOSUB) != 0);
  if (wrong) {
    fprintf(stderr, "usage: %s [REPETITIONS [REGULAR-EXPRESSION]]\n", argv[0]);
    a.repetitions = 0;
  }
  return a;
}
static int is_wanted(const struct arguments* a, const char* name) {
  return !a->has_pattern || regexec(&a->pattern, name, 0, NULL, 0) == 0;
}

#endif
