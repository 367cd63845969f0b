#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "espalier/threads.h"

/* Turns that a thread looks for the next task before it sleeps: some tens of microseconds, the time between two runs of
 * a program that does little else. */
#define SPIN_TURNS 4000u

struct espalier_pool {
  unsigned threads; /* with the caller of run */
  pthread_t* others;
  pthread_mutex_t one_run; /* held while a task runs */
  pthread_mutex_t mutex;   /* guards sleeping */
  pthread_cond_t wake;
  atomic_uint generation; /* counts tasks; a change is a new task */
  atomic_uint running;    /* other threads that still work on it */
  atomic_bool stop;
  void (*task)(void*, unsigned);
  void* job;
};

typedef struct worker_start {
  espalier_pool* pool;
  unsigned number;
} worker_start;

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Returns when there is a task other than `seen`. */
static void wait_for_task(espalier_pool* pool, unsigned seen) {
  for (unsigned turn = 0; turn < SPIN_TURNS; ++turn) {
    if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen) return;
    relax();
  }
  pthread_mutex_lock(&pool->mutex);
  while (atomic_load_explicit(&pool->generation, memory_order_acquire) == seen)
    pthread_cond_wait(&pool->wake, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
}

static void* work(void* opaque) {
  worker_start start = *(worker_start*)opaque;
  free(opaque);
  espalier_pool* pool = start.pool;
  for (unsigned seen = 0;;) {
    wait_for_task(pool, seen);
    seen = atomic_load_explicit(&pool->generation, memory_order_acquire);
    if (atomic_load_explicit(&pool->stop, memory_order_relaxed)) return NULL;
    pool->task(pool->job, start.number);
    atomic_fetch_sub_explicit(&pool->running, 1, memory_order_release);
  }
}

static void announce(espalier_pool* pool) {
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
}

static void run_on_pool(void* self, void (*task)(void*, unsigned), void* job) {
  espalier_pool* pool = self;
  pthread_mutex_lock(&pool->one_run);
  pool->task = task;
  pool->job = job;
  atomic_store_explicit(&pool->running, pool->threads - 1, memory_order_relaxed);
  if (pool->threads > 1) announce(pool);
  task(job, 0);
  for (unsigned turn = 0; atomic_load_explicit(&pool->running, memory_order_acquire) != 0; ++turn)
    if (turn % 256 == 255)
      sched_yield();
    else
      relax();
  pthread_mutex_unlock(&pool->one_run);
}

static unsigned machine_threads(void) {
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 1 ? (unsigned)count : 1;
}

static bool start_thread(espalier_pool* pool, unsigned number) {
  worker_start* start = malloc(sizeof *start);
  if (!start) return false;
  start->pool = pool;
  start->number = number;
  if (pthread_create(&pool->others[number - 1], NULL, work, start) == 0) return true;
  free(start);
  return false;
}

/* Ends the threads 1 .. last. */
static void stop_threads(espalier_pool* pool, unsigned last) {
  atomic_store_explicit(&pool->stop, true, memory_order_relaxed);
  announce(pool);
  for (unsigned i = 1; i <= last; ++i) pthread_join(pool->others[i - 1], NULL);
}

static void free_pool(espalier_pool* pool) {
  pthread_mutex_destroy(&pool->one_run);
  pthread_mutex_destroy(&pool->mutex);
  pthread_cond_destroy(&pool->wake);
  free(pool->others);
  free(pool);
}

espalier_status espalier_pool_create(unsigned threads, espalier_pool** result, char* message, size_t message_bytes) {
  *result = NULL;
  if (threads == 0) threads = machine_threads();
  espalier_pool* pool = calloc(1, sizeof *pool);
  if (pool) pool->others = calloc(threads, sizeof *pool->others);
  if (!pool || !pool->others) {
    free(pool);
    if (message_bytes) snprintf(message, message_bytes, "out of memory");
    return ESPALIER_NO_MEMORY;
  }
  pool->threads = threads;
  pthread_mutex_init(&pool->one_run, NULL);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  for (unsigned i = 1; i < threads; ++i) {
    if (start_thread(pool, i)) continue;
    stop_threads(pool, i - 1);
    free_pool(pool);
    if (message_bytes) snprintf(message, message_bytes, "cannot start thread %u of %u", i, threads);
    return ESPALIER_NO_MEMORY;
  }
  *result = pool;
  return ESPALIER_OK;
}

espalier_workers espalier_pool_workers(espalier_pool* pool) {
  const espalier_workers workers = {pool->threads, run_on_pool, pool};
  return workers;
}

void espalier_pool_destroy(espalier_pool* pool) {
  if (!pool) return;
  stop_threads(pool, pool->threads - 1);
  free_pool(pool);
}
