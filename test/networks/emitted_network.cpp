#include "emitted_network.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backends/jit/jit_network.h"
#include "espalier/threads.h"
#include "test/support/command.h"

namespace espalier::test {
namespace {

constexpr const char* kName = "net";

Arrays empty_outputs(const NetworkProgram& program) {
  Arrays outputs;
  for (const NetworkValue& value : program.outputs) outputs.emplace_back(value.shape.elements());
  return outputs;
}

std::string as_bytes(const Arrays& arrays) {
  std::string bytes;
  for (const auto& values : arrays)
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

Arrays from_bytes(const std::string& bytes, Arrays arrays) {
  size_t at = 0;
  for (auto& values : arrays) {
    const size_t size = values.size() * sizeof(float);
    EXPECT_LE(at + size, bytes.size());
    if (at + size > bytes.size()) return {};
    std::memcpy(values.data(), bytes.data() + at, size);
    at += size;
  }
  EXPECT_EQ(at, bytes.size());
  return arrays;
}

std::string emit(const TestNetwork& network, const TemporaryFolder& folder, std::set<Emission> kinds,
                 bool weights_in_side_file = false) {
  const auto files = emit_network(network.compiled, {kName, std::move(kinds), weights_in_side_file, {}});
  EXPECT_TRUE(files) << files.error().message;
  std::string sources;
  if (!files) return sources;
  for (const OutputFile& file : *files) {
    folder.write(file.name, file.contents);
    if (file.name.ends_with(".c") || file.name.ends_with(".S")) sources += " " + file.name;
  }
  return sources;
}

/// Runs a command that reads `inputs` and writes `outputs` in the folder.
Arrays run_program(const TestNetwork& network, const TemporaryFolder& folder, const std::string& command) {
  folder.write("inputs", as_bytes(network.inputs));
  const CommandResult result = run_command_in(folder, command + " inputs outputs");
  EXPECT_EQ(result.status, 0) << result.output;
  if (result.status != 0) return {};
  return from_bytes(folder.read("outputs"), empty_outputs(network.program()));
}

constexpr const char* kHarness = ESPALIER_SOURCE_DIR "/test/networks/run_network.c";
constexpr const char* kDefines = " -DNETWORK=net '-DNETWORK_HEADER=\"net.h\"' -I . ";
constexpr const char* kWarnings = " -std=c99 -Wall -Wextra -Wpedantic -Werror ";

void expect_compiles(const TemporaryFolder& folder, const std::string& command) {
  const CommandResult result = run_command_in(folder, command);
  EXPECT_EQ(result.status, 0) << command << "\n" << result.output;
}

}  // namespace

TestNetwork::TestNetwork(const Network& network, const Target& target, Arrays run_inputs, StripPolicy strips)
    : inputs(std::move(run_inputs)) {
  auto made = compile_network(network, target, kName, {}, strips);
  EXPECT_TRUE(made) << made.error().message;
  if (made) compiled = *std::move(made);
}

Arrays run_here(const TestNetwork& network, unsigned threads) {
  const auto objects = network_objects(network.compiled);
  EXPECT_TRUE(objects) << objects.error().message;
  if (!objects) return {};
  const auto loaded = JitNetwork::load(*objects, kName, network.program().target);
  EXPECT_TRUE(loaded) << loaded.error().message;
  if (!loaded) return {};
  Arrays outputs = empty_outputs(network.program());
  std::vector<const float*> x;
  std::vector<float*> y;
  for (const auto& input : network.inputs) x.push_back(input.data());
  for (auto& output : outputs) y.push_back(output.data());
  std::vector<char> memory(espalier_context_bytes(&(*loaded)->network(), threads));
  const espalier_context context = espalier_context_in(&(*loaded)->network(), threads, memory.data());
  espalier_pool* pool = nullptr;
  char message[160] = "";
  EXPECT_EQ(espalier_pool_create(threads, &pool, message, sizeof message), ESPALIER_OK) << message;
  const espalier_workers workers = espalier_pool_workers(pool);
  for (int run = 0; run < 3; ++run)
    EXPECT_EQ(espalier_network_run_on(context.network, context.workspace, x.data(), y.data(), &workers, message,
                                      sizeof message),
              ESPALIER_OK)
        << message;
  espalier_pool_destroy(pool);
  return outputs;
}

Arrays run_in_emulator(const TestNetwork& network) {
  const TemporaryFolder folder;
  emit(network, folder, {Emission::kObject, Emission::kHeader});
  expect_compiles(folder,
                  std::string("aarch64-linux-gnu-gcc -O1 -static") + kWarnings + kDefines + kHarness + " net.o -o run");
  return run_program(network, folder, "qemu-aarch64 ./run");
}

Arrays run_in_node(const TestNetwork& network, const std::string& node) {
  const TemporaryFolder folder;
  emit(network, folder, {Emission::kWasm});
  return run_program(network, folder, node + " " ESPALIER_SOURCE_DIR "/test/networks/run_network.mjs net.wasm");
}

Arrays run_as_c(const TestNetwork& network, const std::string& compiler, const std::string& runner) {
  const TemporaryFolder folder;
  const std::string sources = emit(network, folder, {Emission::kC, Emission::kHeader}, runner.empty());
  expect_compiles(folder, compiler + kWarnings + kDefines + kHarness + sources + " -o run");
  return run_program(network, folder, runner + " ./run");
}

}  // namespace espalier::test
