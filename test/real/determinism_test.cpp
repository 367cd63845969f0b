// Real layers compiled again, and by several threads at once: every output byte for byte the same.
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "backends/assemble.h"
#include "backends/c_source/c_source.h"
#include "backends/mc/object_writer.h"
#include "backends/wasm/wasm_module.h"
#include "codegen/compile_kernel.h"
#include "test/real/real_data.h"

namespace espalier::test {
namespace {

std::string object_bytes(const KernelProgram& program) {
  const auto code = assemble(program);
  EXPECT_TRUE(code) << code.error().message;
  const auto object = write_object({&*code, 1}, program.target);
  EXPECT_TRUE(object) << object.error().message;
  return *object;
}

std::string wasm_bytes(const KernelProgram& program) {
  const auto module = write_wasm_module({&program, 1});
  EXPECT_TRUE(module) << module.error().message;
  return *module;
}

std::string c_bytes(const KernelProgram& program) {
  const auto files = write_c_source(program, {.weights_in_side_file = true, .banner = {}});
  EXPECT_TRUE(files) << files.error().message;
  std::string bytes;
  for (const OutputFile& file : *files) bytes += file.name + '\n' + file.contents;
  return bytes;
}

struct Output {
  const char *target, *cpu;
  std::string (*write)(const KernelProgram&);
};
const Output kOutputs[] = {
    {"x86_64-linux", "avx2", object_bytes},      {"x86_64-linux", "avx512", object_bytes},
    {"x86_64-macos", "avx2", object_bytes},      {"aarch64-linux", "cortex-a76", object_bytes},
    {"aarch64-macos", "apple-m1", object_bytes}, {"wasm32", "simd128", wasm_bytes},
    {"wasm32", "relaxed", wasm_bytes},           {"c99", "portable", c_bytes},
    {"aarch64-linux", "cortex-a53", c_bytes},
};

struct Job {
  const KernelSpec* spec;
  const Output* output;
};

std::string result_of(const Job& job) {
  const auto program = compile_kernel(*job.spec, *find_target(job.output->target, job.output->cpu));
  EXPECT_TRUE(program) << program.error().message;
  return job.output->write(*program);
}

/// All jobs, from number `first` on and round again, `step` further each time; the results in the jobs' order.
std::vector<std::string> results_of(const std::vector<Job>& jobs, size_t first = 0, size_t step = 1) {
  std::vector<std::string> results(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    const size_t job = (first + i * step) % jobs.size();
    results[job] = result_of(jobs[job]);
  }
  return results;
}

void expect_same(const std::vector<Job>& jobs, const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (size_t i = 0; i < jobs.size(); ++i)
    EXPECT_TRUE(a[i] == b[i]) << jobs[i].spec->name << " for " << jobs[i].output->target << " " << jobs[i].output->cpu
                              << " differs (" << a[i].size() << " and " << b[i].size() << " bytes)";
}

TEST(RealLayers, CompileToTheSameBytesAgainAndOnAnyThread) {
  if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
  std::vector<KernelSpec> layers = mobilenet_layers();
  layers.resize(7);  // one of each shape but the last: 51 thousand non-zeros
  std::vector<Job> jobs;
  for (const KernelSpec& layer : layers)
    for (const Output& output : kOutputs) jobs.push_back({&layer, &output});
  ASSERT_EQ(jobs.size(), 63u);
  const std::vector<std::string> once = results_of(jobs);
  expect_same(jobs, once, results_of(jobs));
  // Steps that share no factor with 63 reach every job.
  const std::vector<size_t> steps = {1, 5, 62, 19};
  std::vector<std::vector<std::string>> found(steps.size());
  std::vector<std::thread> threads;
  for (size_t t = 0; t < steps.size(); ++t)
    threads.emplace_back([&, t] { found[t] = results_of(jobs, 16 * t, steps[t]); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& results : found) expect_same(jobs, once, results);
}

}  // namespace
}  // namespace espalier::test
