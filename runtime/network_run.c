#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "espalier/threads.h"

/* A counter with a cache line of its own. */
typedef struct counter {
  _Alignas(64) atomic_uint value;
} counter;

/* The items of every step are divided evenly among the threads, each of which has its share to itself until others run
 * out of work: counters[step * (threads + 1)] is how many items are done, the next ones how many of each thread's share
 * are taken. */
typedef struct network_job {
  espalier_run run;
  counter* counters;
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

/* Runs what nobody has taken of the share of `owner`; how many items that were. An owner takes most of what is left, so
 * that code and weights are fetched for much work at once; others a half, so that nobody ends late. */
static unsigned run_share(const network_job* job, uint32_t step, unsigned items, unsigned owner, unsigned thread) {
  const unsigned begin = (unsigned)((uint64_t)items * owner / job->threads);
  const unsigned size = (unsigned)((uint64_t)items * (owner + 1) / job->threads) - begin;
  atomic_uint* taken = &job->counters[(size_t)step * (job->threads + 1) + 1 + owner].value;
  unsigned done = 0, first = atomic_load_explicit(taken, memory_order_relaxed);
  while (first < size) {
    const unsigned left = size - first, portion = owner == thread ? left - left / 4 : (left + 1) / 2;
    first = atomic_fetch_add_explicit(taken, portion, memory_order_relaxed);
    if (first >= size) break;
    const unsigned last = size - first < portion ? size : first + portion;
    espalier_run_items(&job->run, step, begin + first, begin + last, thread);
    done += last - first;
    first = atomic_load_explicit(taken, memory_order_relaxed);
  }
  return done;
}

/* Every step: the own share, what is left of others', then waiting for what they took. Whoever runs alone takes all, so
 * nobody waits for a thread that has not begun. */
static void run_steps(void* opaque, unsigned thread) {
  const network_job* job = opaque;
  const espalier_network* network = job->run.network;
  for (uint32_t s = 0; s < network->step_count; ++s) {
    const unsigned items = network->steps[s].items;
    atomic_uint* finished = &job->counters[(size_t)s * (job->threads + 1)].value;
    unsigned done = 0;
    /* The next step's counter of this thread is still with whoever set it to zero. */
    if (s + 1 < network->step_count) __builtin_prefetch(&job->counters[(size_t)(s + 1) * (job->threads + 1) + 1 + thread], 1);
    for (unsigned i = 0; i < job->threads; ++i) {
      const unsigned owner = thread + i < job->threads ? thread + i : thread + i - job->threads;
      done += run_share(job, s, items, owner, thread);
    }
    if (done) atomic_fetch_add_explicit(finished, done, memory_order_release);
    for (unsigned turn = 0; atomic_load_explicit(finished, memory_order_acquire) < items; ++turn) pause_a_little(turn);
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
  const size_t count = (size_t)network->step_count * ((size_t)workers->count + 1);
  void* memory = malloc(count * sizeof(counter) + _Alignof(counter));
  if (!memory) return refuse(ESPALIER_NO_MEMORY, message, message_bytes, "out of memory");
  counter* counters = (counter*)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
  for (size_t i = 0; i < count; ++i) atomic_init(&counters[i].value, 0);
  network_job job = {{network, workspace, inputs, outputs}, counters, workers->count};
  workers->run(workers->self, run_steps, &job);
  free(memory);
  return ESPALIER_OK;
}
