#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "espalier/threads.h"

/* One step of one run: items handed out, and items done. Apart, so that two steps share no cache line. */
typedef struct step_progress {
  _Alignas(64) atomic_uint claimed;
  atomic_uint done;
} step_progress;

typedef struct network_job {
  espalier_run run;
  step_progress* steps;
  unsigned threads;
} network_job;

static void pause_a_little(unsigned turn) {
  if (turn % 256 == 255) { /* whoever holds the items may be waiting for this core */
    sched_yield();
    return;
  }
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Items taken at a time: small enough that all threads end a step together, large enough that taking costs little. */
static unsigned portion(unsigned items, unsigned threads) {
  const unsigned part = items / (threads * 4);
  return part > 0 ? part : 1;
}

/* Takes items of every step until there are none, then waits for those that others took. Whoever runs alone takes all,
 * so nobody waits for a thread that has not begun. */
static void run_share(void* opaque, unsigned thread) {
  const network_job* job = opaque;
  const espalier_network* network = job->run.network;
  for (uint32_t s = 0; s < network->step_count; ++s) {
    const unsigned items = network->steps[s].items, size = portion(items, job->threads);
    step_progress* progress = &job->steps[s];
    unsigned first;
    while ((first = atomic_fetch_add_explicit(&progress->claimed, size, memory_order_relaxed)) < items) {
      const unsigned last = items - first < size ? items : first + size;
      espalier_run_items(&job->run, s, first, last, thread);
      atomic_fetch_add_explicit(&progress->done, last - first, memory_order_release);
    }
    for (unsigned turn = 0; atomic_load_explicit(&progress->done, memory_order_acquire) < items; ++turn)
      pause_a_little(turn);
  }
}

static espalier_status refuse(espalier_status status, char* message, size_t message_bytes, const char* text) {
  if (message_bytes) snprintf(message, message_bytes, "%s", text);
  return status;
}

espalier_status espalier_network_check(const espalier_network* network, uint64_t host_features, char* message,
                                       size_t message_bytes) {
  if (network->abi_version != ESPALIER_NETWORK_ABI_VERSION || network->struct_bytes != sizeof(espalier_network)) {
    if (message_bytes)
      snprintf(message, message_bytes,
               "the network was made for network ABI version %" PRIu32 ", but this is version %u", network->abi_version,
               ESPALIER_NETWORK_ABI_VERSION);
    return ESPALIER_ABI_MISMATCH;
  }
  const uint64_t missing = network->cpu_features & ~host_features;
  if (!missing) return ESPALIER_OK;
  const char* name = espalier_cpu_feature_name(missing & (~missing + 1));
  if (message_bytes)
    snprintf(message, message_bytes, "network %s needs the CPU feature %s, which this machine lacks", network->name,
             name ? name : "(unknown)");
  return ESPALIER_CPU_MISMATCH;
}

static espalier_status check_arguments(const espalier_network* network, const float* workspace,
                                       const float* const* inputs, float* const* outputs,
                                       const espalier_workers* workers, char* message, size_t message_bytes) {
  if (!network || !workspace || !inputs || !outputs || !workers || !workers->run)
    return refuse(ESPALIER_BAD_ARGUMENT, message, message_bytes, "a pointer is null");
  if (workers->count == 0) return refuse(ESPALIER_BAD_ARGUMENT, message, message_bytes, "there are 0 workers");
  if ((uintptr_t)workspace % 64 != 0)
    return refuse(ESPALIER_BAD_ARGUMENT, message, message_bytes, "the workspace is not aligned to 64 bytes");
  for (uint32_t i = 0; i < network->input_count; ++i)
    if (!inputs[i]) return refuse(ESPALIER_BAD_ARGUMENT, message, message_bytes, "an input is a null pointer");
  for (uint32_t i = 0; i < network->output_count; ++i)
    if (!outputs[i]) return refuse(ESPALIER_BAD_ARGUMENT, message, message_bytes, "an output is a null pointer");
  return espalier_network_check(network, espalier_host_cpu_features(), message, message_bytes);
}

espalier_status espalier_network_run_on(const espalier_network* network, float* workspace, const float* const* inputs,
                                        float* const* outputs, const espalier_workers* workers, char* message,
                                        size_t message_bytes) {
  const espalier_status status = check_arguments(network, workspace, inputs, outputs, workers, message, message_bytes);
  if (status != ESPALIER_OK) return status;
  if (workers->count == 1 || network->step_count == 0) {
    espalier_network_run(network, workspace, inputs, outputs);
    return ESPALIER_OK;
  }
  void* memory = malloc(network->step_count * sizeof(step_progress) + _Alignof(step_progress));
  if (!memory) return refuse(ESPALIER_NO_MEMORY, message, message_bytes, "out of memory");
  step_progress* steps = (step_progress*)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
  for (uint32_t s = 0; s < network->step_count; ++s) {
    atomic_init(&steps[s].claimed, 0);
    atomic_init(&steps[s].done, 0);
  }
  network_job job = {{network, workspace, inputs, outputs}, steps, workers->count};
  workers->run(workers->self, run_share, &job);
  free(memory);
  return ESPALIER_OK;
}
