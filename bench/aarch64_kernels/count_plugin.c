/* A plugin for qemu-aarch64 that counts what a program executes between the functions begin_timing and end_timing: one
 * line of counts for each such stretch. Caches see everything, so that they are warm. No package ships qemu's plugin
 * header; the prototypes below are what API version 1 promises.
 *
 *     gcc -O2 -fPIC -shared count_plugin.c -o count_plugin.so
 *     qemu-aarch64 -plugin ./count_plugin.so,core=a76 -d plugin -D counts.txt ./aarch64_kernels 1
 *
 * With trace=N, up to N instructions of each stretch come before its counts, a line of bytes each, as llvm-mc
 * --disassemble reads them: a sample of one window in kWindowsApart, so that all parts of a kernel are in it.
 *
 * Caches are set-associative with true LRU, write-allocating, without prefetchers; prefetch instructions do not count.
 * A model: what misses here may well be hidden on a real core. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint32_t qemu_plugin_meminfo_t;
typedef void (*tb_callback)(qemu_plugin_id_t, struct qemu_plugin_tb*);
typedef void (*exec_callback)(unsigned vcpu, void* data);
typedef void (*memory_callback)(unsigned vcpu, qemu_plugin_meminfo_t, uint64_t address, void* data);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, tb_callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb*, exec_callback, int flags, void* data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn*, exec_callback, int flags, void* data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn*, memory_callback, int flags, int which, void* data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn*);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn*);
const char* qemu_plugin_insn_symbol(const struct qemu_plugin_insn*);
void qemu_plugin_outs(const char*);
enum { kNoRegisters = 0, kReadsAndWrites = 3 };
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { kMaxWays = 16, kLineBits = 6 };

struct cache {
  uint64_t sets, ways;
  uint64_t* lines; /* sets x ways, the most recent first */
  uint64_t misses;
};

struct core {
  const char* name;
  struct cache code, data, l2;
};
static struct core cores[] = {
    {"a76", {64 * 1024, 4, 0, 0}, {64 * 1024, 4, 0, 0}, {256 * 1024, 8, 0, 0}},
    {"a72", {48 * 1024, 3, 0, 0}, {32 * 1024, 2, 0, 0}, {512 * 1024, 16, 0, 0}},
    {"a53", {32 * 1024, 2, 0, 0}, {32 * 1024, 4, 0, 0}, {256 * 1024, 16, 0, 0}},
};
static struct core* core = cores;

/* Instructions of one translated block by kind. */
struct mix {
  uint64_t instructions, fmlas, loads, stores, first, last;
  uint32_t* words;
};
static struct mix total;
enum { kWindow = 1000, kWindowsApart = 61 }; /* instructions; not a number that kernels repeat themselves at */
static uint64_t trace_limit, traced;
static bool counting;
static uint64_t last_data_line;

/* From the size in bytes that the table has in place of the sets. */
static void make_cache(struct cache* c) {
  c->sets = c->sets / c->ways >> kLineBits;
  c->lines = calloc(c->sets * c->ways, sizeof *c->lines);
}

static bool touch(struct cache* c, uint64_t line) {
  uint64_t* set = c->lines + line % c->sets * c->ways;
  uint64_t way = 0;
  while (way < c->ways - 1 && set[way] != line) ++way;
  const bool hit = set[way] == line;
  memmove(set + 1, set, way * sizeof *set);
  set[0] = line;
  c->misses += !hit && counting;
  return hit;
}

static void access_line(struct cache* first, uint64_t line) {
  if (!touch(first, line)) touch(&core->l2, line);
}

static void on_memory(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void* data) {
  (void)vcpu, (void)info, (void)data;
  const uint64_t line = address >> kLineBits;
  if (line != last_data_line) access_line(&core->data, line); /* a vector arrives in halves */
  last_data_line = line;
}

static void trace(const struct mix* m) {
  if (total.instructions / kWindow % kWindowsApart != 0) return;
  for (uint64_t i = 0; i < m->instructions && traced < trace_limit; ++i, ++traced) {
    char line[32];
    const uint32_t w = m->words[i];
    snprintf(line, sizeof line, "0x%02x 0x%02x 0x%02x 0x%02x\n", w & 255, w >> 8 & 255, w >> 16 & 255, w >> 24);
    qemu_plugin_outs(line);
  }
}

static void on_block(unsigned vcpu, void* data) {
  (void)vcpu;
  const struct mix* m = data;
  for (uint64_t line = m->first; line <= m->last; ++line) access_line(&core->code, line);
  if (!counting) return;
  trace(m);
  total.instructions += m->instructions, total.fmlas += m->fmlas;
  total.loads += m->loads, total.stores += m->stores;
}

static void on_begin(unsigned vcpu, void* data) {
  (void)vcpu, (void)data;
  memset(&total, 0, sizeof total);
  core->code.misses = core->data.misses = core->l2.misses = traced = 0;
  counting = true;
}

static void on_end(unsigned vcpu, void* data) {
  (void)vcpu, (void)data;
  char line[256];
  if (!counting) return; /* a second block of the same function */
  counting = false;
  snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
           total.instructions, total.fmlas, total.loads, total.stores, core->code.misses, core->data.misses,
           core->l2.misses);
  qemu_plugin_outs(line);
}

/* Encodings: Arm Architecture Reference Manual (DDI 0487), section C4.1. Pairs are two loads or stores. */
static const struct kind {
  uint32_t mask, bits;
  int fmlas, loads, stores;
} kinds[] = {
    {0xbfa0fc00, 0x0e20cc00, 1, 0, 0}, /* fmla (vector) */
    {0xbf80f400, 0x0f801000, 1, 0, 0}, /* fmla (by element) */
    {0x3e400000, 0x2c400000, 0, 2, 0}, /* ldp, ldnp of vector registers */
    {0x3e400000, 0x2c000000, 0, 0, 2}, /* stp, stnp */
    {0x3f400000, 0x3d400000, 0, 1, 0}, /* ldr, unsigned offset */
    {0x3f400000, 0x3d000000, 0, 0, 1}, /* str */
    {0x3f400000, 0x3c400000, 0, 1, 0}, /* ldr, ldur, other offsets */
    {0x3f400000, 0x3c000000, 0, 0, 1}, /* str, stur */
    {0xbe400000, 0x0c400000, 0, 1, 0}, /* ld1, ld1r and their like */
    {0xbe400000, 0x0c000000, 0, 0, 1}, /* st1 */
};

static void count_kind(struct mix* m, uint32_t word) {
  for (const struct kind* k = kinds; k < kinds + sizeof kinds / sizeof *kinds; ++k)
    if ((word & k->mask) == k->bits) m->fmlas += k->fmlas, m->loads += k->loads, m->stores += k->stores;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb* block) {
  (void)id;
  struct mix* m = calloc(1, sizeof *m);
  m->instructions = qemu_plugin_tb_n_insns(block);
  m->words = malloc(m->instructions * sizeof *m->words);
  for (size_t i = 0; i < m->instructions; ++i) {
    struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(block, i);
    memcpy(&m->words[i], qemu_plugin_insn_data(insn), sizeof *m->words);
    count_kind(m, m->words[i]);
    m->last = qemu_plugin_insn_vaddr(insn) >> kLineBits;
    if (i == 0) m->first = m->last;
    qemu_plugin_register_vcpu_mem_cb(insn, on_memory, kNoRegisters, kReadsAndWrites, NULL);
  }
  struct qemu_plugin_insn* first = qemu_plugin_tb_get_insn(block, 0);
  const char* symbol = qemu_plugin_insn_symbol(first);
  if (symbol && strcmp(symbol, "begin_timing") == 0)
    qemu_plugin_register_vcpu_insn_exec_cb(first, on_begin, kNoRegisters, NULL);
  if (symbol && strcmp(symbol, "end_timing") == 0)
    qemu_plugin_register_vcpu_insn_exec_cb(first, on_end, kNoRegisters, NULL);
  qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, kNoRegisters, m);
}

static int choose_core(const char* name) {
  for (size_t i = 0; i < sizeof cores / sizeof *cores; ++i)
    if (strcmp(cores[i].name, name) == 0) return core = &cores[i], 0;
  return fprintf(stderr, "count_plugin: core=%s is none of a76, a72, a53\n", name), 1;
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int argc,
                                                               char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (strncmp(argv[i], "core=", 5) == 0 && choose_core(argv[i] + 5) != 0) return 1;
    if (strncmp(argv[i], "trace=", 6) == 0) trace_limit = strtoull(argv[i] + 6, NULL, 10);
  }
  make_cache(&core->code), make_cache(&core->data), make_cache(&core->l2);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  return 0;
}
