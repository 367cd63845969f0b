// Running networks on threads, with layers written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "espalier/threads.h"

namespace {

constexpr uint32_t kItems = 37, kWidth = 5;

/// Item i: y[i * width ..] = 2 * x0 + i, through scratch.
void doubled(const float* x0, const float*, float* y, const float*, const int32_t*, float* scratch, size_t first,
             size_t last) {
  for (size_t i = first; i < last; ++i)
    for (size_t e = i * kWidth; e < (i + 1) * kWidth; ++e) {
      scratch[e % kWidth] = 2 * x0[e];
      y[e] = scratch[e % kWidth] + static_cast<float>(i);
    }
}
/// Item i reads what other items of the step before have made.
void reversed_plus(const float* x0, const float* x1, float* y, const float* weights, const int32_t* table, float*,
                   size_t first, size_t last) {
  for (size_t e = first * kWidth; e < last * kWidth; ++e)
    y[e] = x0[kItems * kWidth - 1 - e] + x1[e] * weights[0] + static_cast<float>(table[0]);
}

const float kConstants[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5f};
const int32_t kTable[] = {3};
const espalier_value kInputs[] = {{"x", 1, 1, kItems, kWidth}};
const espalier_value kOutputs[] = {{"y", 1, 1, kItems, kWidth}};
const espalier_step kSteps[] = {{"first",
                                 nullptr,
                                 doubled,
                                 nullptr,
                                 0,
                                 {ESPALIER_IN_INPUT, 0, 0},
                                 {},
                                 {ESPALIER_IN_WORKSPACE, 0, 16},
                                 0,
                                 kItems,
                                 0,
                                 0,
                                 0},
                                {"second",
                                 nullptr,
                                 reversed_plus,
                                 kTable,
                                 16,
                                 {ESPALIER_IN_WORKSPACE, 0, 16},
                                 {ESPALIER_IN_INPUT, 0, 0},
                                 {ESPALIER_IN_OUTPUT, 0, 0},
                                 0,
                                 kItems,
                                 1,
                                 0,
                                 0}};

espalier_network sample() {
  return {ESPALIER_NETWORK_ABI_VERSION,
          sizeof(espalier_network),
          "sample",
          0,
          1,
          1,
          2,
          2,
          kInputs,
          kOutputs,
          kSteps,
          kConstants,
          208,
          16};
}

std::vector<float> input() {
  std::vector<float> x(kItems * kWidth);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 11);
  return x;
}

std::vector<float> expected() {
  const std::vector<float> x = input();
  std::vector<float> y(x.size());
  for (size_t e = 0; e < y.size(); ++e) {
    const size_t other = y.size() - 1 - e;
    y[e] = 2 * x[other] + static_cast<float>(other / kWidth) + x[e] * 0.5f + 3;
  }
  return y;
}

/// A workspace and pointers for one run.
struct SampleRun {
  explicit SampleRun(unsigned threads)
      : network(sample()), memory(espalier_context_bytes(&network, threads)), x(input()), y(x.size()) {
    context = espalier_context_in(&network, threads, memory.data());
  }
  espalier_status on(const espalier_workers* workers) {
    return espalier_network_run_on(&network, context.workspace, inputs, outputs, workers, message, sizeof message);
  }
  espalier_network network;
  std::vector<char> memory;
  espalier_context context{};
  std::vector<float> x, y;
  const float* inputs[1] = {x.data()};
  float* outputs[1] = {y.data()};
  char message[160] = "";
};

TEST(NetworkRun, OnOneThreadNeedsTheHeaderOnly) {
  SampleRun run(1);
  espalier_context_run(&run.context, run.inputs, run.outputs);
  EXPECT_EQ(run.y, expected());
  EXPECT_EQ(run.context.layer_seconds[0], 0);
}

TEST(NetworkRun, TimesLayersByTheCallersClock) {
  static double now = 0;
  SampleRun run(1);
  run.context.clock = [] { return now += 1; };
  espalier_context_run(&run.context, run.inputs, run.outputs);
  EXPECT_EQ(run.context.layer_seconds[0], 1);
  EXPECT_EQ(run.context.layer_seconds[1], 1);
  EXPECT_EQ(run.y, expected());
}

TEST(NetworkRun, GivesTheSameOnAnyPool) {
  for (const unsigned threads : {1u, 2u, 5u}) {
    espalier_pool* pool = nullptr;
    ASSERT_EQ(espalier_pool_create(threads, &pool, nullptr, 0), ESPALIER_OK);
    const espalier_workers workers = espalier_pool_workers(pool);
    EXPECT_EQ(workers.count, threads);
    SampleRun run(threads);
    for (int i = 0; i < 50; ++i) {
      std::ranges::fill(run.y, -1.0f);
      ASSERT_EQ(run.on(&workers), ESPALIER_OK) << run.message;
      ASSERT_EQ(run.y, expected());
    }
    espalier_pool_destroy(pool);
  }
}

TEST(NetworkRun, TakesWorkersThatRunOneAfterTheOther) {
  const espalier_workers workers = {3,
                                    [](void*, void (*task)(void*, unsigned), void* job) {
                                      for (unsigned t = 3; t-- > 0;) task(job, t);
                                    },
                                    nullptr};
  SampleRun run(3);
  ASSERT_EQ(run.on(&workers), ESPALIER_OK) << run.message;
  EXPECT_EQ(run.y, expected());
}

TEST(NetworkRun, ManyCallersShareOnePool) {
  espalier_pool* pool = nullptr;
  ASSERT_EQ(espalier_pool_create(2, &pool, nullptr, 0), ESPALIER_OK);
  const espalier_workers workers = espalier_pool_workers(pool);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller)
    callers.emplace_back([&workers] {
      SampleRun run(2);
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(run.on(&workers), ESPALIER_OK) << run.message;
        EXPECT_EQ(run.y, expected());
      }
    });
  for (std::thread& caller : callers) caller.join();
  espalier_pool_destroy(pool);
}

TEST(NetworkRun, RefusesWhatCannotRun) {
  SampleRun run(1);
  espalier_pool* pool = nullptr;
  ASSERT_EQ(espalier_pool_create(1, &pool, nullptr, 0), ESPALIER_OK);
  espalier_workers workers = espalier_pool_workers(pool);
  const auto refused = [&](espalier_status status, const char* text) {
    EXPECT_EQ(run.on(&workers), status);
    EXPECT_STREQ(run.message, text);
  };
  workers.count = 0;
  refused(ESPALIER_BAD_ARGUMENT, "there are 0 workers");
  workers.count = 1;
  run.context.workspace += 1;
  refused(ESPALIER_BAD_ARGUMENT, "the workspace is not aligned to 64 bytes");
  run.context.workspace -= 1;
  run.inputs[0] = nullptr;
  refused(ESPALIER_BAD_ARGUMENT, "an input is a null pointer");
  run.inputs[0] = run.x.data();
  run.outputs[0] = nullptr;
  refused(ESPALIER_BAD_ARGUMENT, "an output is a null pointer");
  run.outputs[0] = run.y.data();
  run.network.abi_version += 1;
  refused(ESPALIER_ABI_MISMATCH, "the network was made for network ABI version 3, but this is version 2");
  run.network.abi_version -= 1;
  run.network.cpu_features = ESPALIER_CPU_SIMD128;
  refused(ESPALIER_CPU_MISMATCH, "network sample needs the CPU feature simd128, which this machine lacks");
  espalier_pool_destroy(pool);
}

}  // namespace
