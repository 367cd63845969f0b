/* Networks on several threads. Part of the runtime library; runtime.h says how errors are told. */
#ifndef ESPALIER_THREADS_H
#define ESPALIER_THREADS_H

#include "espalier/network_abi.h"
#include "espalier/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Somebody who runs a task on several threads: espalier_pool, or a pool of the caller's. run(self, task, job) calls
 * task(job, t) once for every t in 0 .. count - 1, in any order, one after the other or at once, and returns when all
 * of them have returned. */
typedef struct espalier_workers {
  unsigned count; /* at least 1 */
  void (*run)(void* self, void (*task)(void* job, unsigned thread), void* job);
  void* self;
} espalier_workers;

/* Runs a network on all workers, which take work items as they come; the result is that of espalier_network_run, bit
 * for bit. `workspace` has espalier_network_workspace_bytes(network, workers->count) bytes, 64-byte aligned. Any number
 * of runs with workspaces of their own may go on at once, also on one pool (then one after the other). Errors:
 * ESPALIER_ABI_MISMATCH and ESPALIER_CPU_MISMATCH of espalier_network_check, ESPALIER_BAD_ARGUMENT for null or
 * misaligned pointers and no workers, ESPALIER_NO_MEMORY. */
ESPALIER_API espalier_status espalier_network_run_on(const espalier_network* network, float* workspace,
                                                     const float* const* inputs, float* const* outputs,
                                                     const espalier_workers* workers, char* message,
                                                     size_t message_bytes);

/* Refuses a network of another ABI version or for CPU features that `host_features` lacks. */
ESPALIER_API espalier_status espalier_network_check(const espalier_network* network, uint64_t host_features,
                                                    char* message, size_t message_bytes);

/* `threads` threads, the caller of run() among them; 0 stands for as many as the machine has. Between runs they spin
 * for a moment, then sleep. One pool may serve several callers; runs then wait for each other. Errors:
 * ESPALIER_NO_MEMORY when threads cannot be started. */
typedef struct espalier_pool espalier_pool;
ESPALIER_API espalier_status espalier_pool_create(unsigned threads, espalier_pool** pool, char* message,
                                                  size_t message_bytes);
/* The pool as workers, as long as it lives. */
ESPALIER_API espalier_workers espalier_pool_workers(espalier_pool* pool);
ESPALIER_API void espalier_pool_destroy(espalier_pool* pool);

#ifdef __cplusplus
}
#endif
#endif
