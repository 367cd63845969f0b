/* The contract between emitted networks and whoever runs them. C99 and C++; needs kernel_abi.h and, unless
 * ESPALIER_NO_HEAP is defined, the C library's malloc. No library of ours: everything is in this header.
 *
 * A network is a list of steps over one block of memory. A step is a sparse kernel or the function of another layer, or
 * a part of one; it has work items, which may run on any threads in any order; steps run one after the other.
 *
 * Values   inputs and outputs are row-major NHWC, fp32, as the model has them; the caller's own buffers.
 * Units    elements (fp32) unless a name says bytes.
 * Aliasing inputs, outputs and the workspace must not overlap. Inputs are not written.
 * Aligned  inputs and outputs need the 4 bytes of a float; the workspace 64 bytes.
 * Threads  one workspace serves one run at a time. Networks are constant: any number of runs, each with a workspace of
 *          its own, may go on at once. Results do not depend on how items are spread over threads.
 * Errors   running cannot fail. espalier_network_check (runtime) refuses what this machine or version cannot run.
 *
 * Versioning as in kernel_abi.h, by ESPALIER_NETWORK_ABI_VERSION.
 */
#ifndef ESPALIER_NETWORK_ABI_H
#define ESPALIER_NETWORK_ABI_H

#include "espalier/kernel_abi.h"
#ifndef ESPALIER_NO_HEAP
#include <stdlib.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define ESPALIER_NETWORK_ABI_VERSION 2u

/* A layer's function over work items [first, last). Internal: the functions below know what to give it. */
typedef void (*espalier_layer_function)(const float* x0, const float* x1, float* y, const float* weights,
                                        const int32_t* table, float* scratch, size_t first, size_t last);

/* Where a step finds an operand. */
#define ESPALIER_IN_WORKSPACE 0u /* offset elements into the workspace */
#define ESPALIER_IN_INPUT 1u     /* offset elements into the caller's input `number` */
#define ESPALIER_IN_OUTPUT 2u    /* offset elements into the caller's output `number` */
#define ESPALIER_IN_CONSTANTS 3u /* offset elements into espalier_network.constants */
typedef struct espalier_place {
  uint32_t space, number;
  uint64_t offset;
} espalier_place;

typedef struct espalier_step {
  const char* name;              /* of the network's layer, zero-terminated */
  const espalier_kernel* kernel; /* a sparse kernel, or null */
  espalier_layer_function layer; /* where kernel is null */
  const int32_t* table;          /* constants of `layer` */
  uint64_t weights;              /* of `layer`: elements into espalier_network.constants */
  espalier_place x0, x1, y;      /* a kernel has no x1 */
  uint32_t first_item, items;    /* of `layer`, or tiles of the kernel */
  uint32_t network_layer;        /* the number of the layer, for profiles: several steps may share one */
  uint32_t reserved;             /* 0 */
  uint64_t multiply_adds;        /* by weights other than zero; 0 where nothing is multiplied by weights */
} espalier_step;

/* An input or output: n x h x w x c elements. */
typedef struct espalier_value {
  const char* name; /* zero-terminated */
  uint32_t n, h, w, c;
} espalier_value;

/* One compiled network; constant data inside the emitted code, owned by it. */
typedef struct espalier_network {
  uint32_t abi_version;  /* ESPALIER_NETWORK_ABI_VERSION of the emitter */
  uint32_t struct_bytes; /* sizeof(espalier_network) of the emitter */
  const char* name;      /* zero-terminated */
  uint64_t cpu_features; /* ESPALIER_CPU_* that the code uses */
  uint32_t input_count, output_count, step_count, layer_count;
  const espalier_value* inputs;
  const espalier_value* outputs;
  const espalier_step* steps;
  const float* constants;    /* 64-byte aligned */
  uint64_t arena_elements;   /* activations; a multiple of 16 */
  uint64_t scratch_elements; /* per thread; a multiple of 16 */
} espalier_network;

/* Bytes of a workspace for runs on up to `threads` threads: the arena, then a scratch for each. */
static inline size_t espalier_network_workspace_bytes(const espalier_network* network, unsigned threads) {
  return (size_t)(network->arena_elements + network->scratch_elements * threads) * sizeof(float);
}

static inline size_t espalier_value_elements(const espalier_value* value) {
  return (size_t)value->n * value->h * value->w * value->c;
}

/* What one run works on. */
typedef struct espalier_run {
  const espalier_network* network;
  float* workspace;           /* espalier_network_workspace_bytes, 64-byte aligned; what it holds does not matter */
  const float* const* inputs; /* input_count pointers */
  float* const* outputs;      /* output_count pointers */
} espalier_run;

static inline float* espalier_run_place(const espalier_run* run, espalier_place place) {
  switch (place.space) {
    case ESPALIER_IN_INPUT:
      return (float*)(uintptr_t)run->inputs[place.number] + place.offset; /* steps only read it */
    case ESPALIER_IN_OUTPUT:
      return run->outputs[place.number] + place.offset;
    case ESPALIER_IN_CONSTANTS:
      return (float*)(uintptr_t)run->network->constants + place.offset; /* steps only read it */
    default:
      return run->workspace + place.offset;
  }
}

/* Runs work items [first, last) of those of step `number` on thread `thread` of the run, whose scratch it uses. All
 * steps before must be done. */
static inline void espalier_run_items(const espalier_run* run, uint32_t number, size_t first, size_t last,
                                      unsigned thread) {
  const espalier_network* network = run->network;
  const espalier_step* step = &network->steps[number];
  const float* x0 = espalier_run_place(run, step->x0);
  float* y = espalier_run_place(run, step->y);
  if (step->kernel) {
    espalier_kernel_run_tiles(step->kernel, x0, y, step->kernel->pixels, step->first_item + first,
                              step->first_item + last);
  } else {
    float* scratch = run->workspace + network->arena_elements + network->scratch_elements * thread;
    step->layer(x0, espalier_run_place(run, step->x1), y, network->constants + step->weights, step->table, scratch,
                step->first_item + first, step->first_item + last);
  }
}

static inline void espalier_run_step(const espalier_run* run, uint32_t number) {
  espalier_run_items(run, number, 0, run->network->steps[number].items, 0);
}

/* Runs the whole network on this thread. */
static inline void espalier_network_run(const espalier_network* network, float* workspace, const float* const* inputs,
                                        float* const* outputs) {
  const espalier_run run = {network, workspace, inputs, outputs};
  for (uint32_t step = 0; step < network->step_count; ++step) espalier_run_step(&run, step);
}

/* A workspace with the times of its last timed run. */
typedef struct espalier_context {
  const espalier_network* network;
  float* workspace;
  double* layer_seconds; /* layer_count of them, or null */
  double (*clock)(void); /* seconds since any moment; null: runs are not timed */
  void* memory;          /* what destroy frees */
} espalier_context;

/* Bytes of the memory espalier_context_in needs. */
static inline size_t espalier_context_bytes(const espalier_network* network, unsigned threads) {
  return espalier_network_workspace_bytes(network, threads) + network->layer_count * sizeof(double) + 64;
}

/* A context in memory of the caller's, which must outlive it: for machines without a heap. */
static inline espalier_context espalier_context_in(const espalier_network* network, unsigned threads, void* memory) {
  const uintptr_t aligned = ((uintptr_t)memory + 63) & ~(uintptr_t)63;
  const size_t bytes = espalier_network_workspace_bytes(network, threads);
  espalier_context context = {network, (float*)aligned, (double*)(aligned + bytes), 0, 0};
  for (uint32_t i = 0; i < network->layer_count; ++i) context.layer_seconds[i] = 0;
  return context;
}

/* Runs on this thread; with a clock, measures every layer. */
static inline void espalier_context_run(espalier_context* context, const float* const* inputs, float* const* outputs) {
  const espalier_network* network = context->network;
  const espalier_run run = {network, context->workspace, inputs, outputs};
  if (!context->clock) {
    for (uint32_t s = 0; s < network->step_count; ++s) espalier_run_step(&run, s);
    return;
  }
  for (uint32_t i = 0; i < network->layer_count; ++i) context->layer_seconds[i] = 0;
  double before = context->clock();
  for (uint32_t s = 0; s < network->step_count; ++s) {
    espalier_run_step(&run, s);
    const double now = context->clock();
    context->layer_seconds[network->steps[s].network_layer] += now - before;
    before = now;
  }
}

#ifndef ESPALIER_NO_HEAP
/* A context on the heap for one thread, or null if there is no memory. */
static inline espalier_context* espalier_context_create(const espalier_network* network) {
  char* memory = (char*)malloc(64 + sizeof(espalier_context) + espalier_context_bytes(network, 1));
  if (!memory) return 0;
  espalier_context* context = (espalier_context*)(void*)memory;
  *context = espalier_context_in(network, 1, memory + sizeof(espalier_context));
  context->memory = memory;
  return context;
}
static inline void espalier_context_destroy(espalier_context* context) {
  if (context) free(context->memory);
}
#endif

#ifdef __cplusplus
}
#endif
#endif
