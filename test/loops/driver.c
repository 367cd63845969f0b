/* Runs loop functions over their items, last item first, and writes what they leave in y.
 *   driver INPUTS OUTPUTS    inputs: of every case x0, x1, weights, y as fp32, in order */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "loop_cases.h"

/* Values that end where a page ends that nobody may touch: over-reads and over-writes crash. */
static float *before_a_wall(uint64_t count) {
  const size_t page = 65536, bytes = (count * sizeof(float) + page - 1) / page * page;
  char *base = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED || mprotect(base + bytes, page, PROT_NONE)) exit(3);
  return (float *)(void *)(base + bytes) - count;
}

static float *values(FILE *in, uint64_t count) {
  float *v = before_a_wall(count);
  if (fread(v, sizeof *v, count, in) != count) exit(4);
  return v;
}

int main(int argc, char **argv) {
  FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL, *out = argc == 3 ? fopen(argv[2], "wb") : NULL;
  if (!in || !out) return 2;
  for (size_t i = 0; i < sizeof loop_cases / sizeof *loop_cases; ++i) {
    const struct loop_case *c = &loop_cases[i];
    const float *x0 = values(in, c->x0), *x1 = values(in, c->x1), *weights = values(in, c->weights);
    float *y = values(in, c->y), *scratch = before_a_wall(c->scratch);
    for (size_t item = c->items; item-- > 0;) {
      for (uint64_t s = 0; s < c->scratch; ++s) scratch[s] = NAN;
      c->run(c->in_place ? y : x0, x1, y, weights, c->table, scratch, item, item + 1);
    }
    if (fwrite(y, sizeof *y, c->y, out) != c->y) return 5;
  }
  return fclose(out) != 0;
}
