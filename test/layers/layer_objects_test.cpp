// Layers' code for other machines, run in emulators and engines.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backends/loops/loop_object.h"
#include "backends/wasm/linker.h"
#include "layer_case.h"
#include "test/loops/loop_runner.h"
#include "test/support/command.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

constexpr LayoutKind kLayouts[] = {LayoutKind::kChannelRows, LayoutKind::kPanels, LayoutKind::kInterleaved};

std::vector<LayerCase> layer_cases() {
  const Shape image = {1, 5, 7, 10}, vector = {1, 1, 1, 67}, channels = {1, 1, 1, 10};
  const Shape with_vector[] = {image, channels}, twice[] = {image, image};
  std::vector<LayerCase> cases;
  for (int kind = 1; kind < kActivationKinds; ++kind) {
    Activation activation = Activation::of(static_cast<ActivationKind>(kind));
    if (activation.kind == ActivationKind::kClamp) activation = Activation::relu6();
    if (activation.kind == ActivationKind::kHardSigmoid) activation = {activation.kind, {}, 0.2f, 0.5f};
    cases.emplace_back(Unary{}, std::span(&image, 1), activation);
  }
  cases.emplace_back(Binary{BinaryKind::kMultiply}, with_vector);
  cases.emplace_back(Binary{BinaryKind::kAdd}, twice, Activation::relu());
  cases.emplace_back(Prelu{std::vector<float>(10, 0.3f)}, std::span(&image, 1));
  cases.emplace_back(Mean{}, std::span(&image, 1));
  cases.emplace_back(Resize{ResizeKind::kBilinear, ResizeCoordinates::kHalfPixel, ResizeRounding::kFloor, 9, 13},
                     std::span(&image, 1));
  cases.emplace_back(Concat{}, twice);
  cases.emplace_back(Pad{{0, 1, 2, 0}, {0, 0, 1, 0}, 1.5f}, std::span(&image, 1));
  cases.emplace_back(Reshape{{1, 1, 1, 350}, false}, std::span(&image, 1));
  cases.emplace_back(Softmax{}, std::span(&vector, 1));
  cases.emplace_back(Softmax{}, std::span(&image, 1));
  cases.emplace_back(FullyConnected{37, std::vector<float>(37 * 67, 0.25f), {}}, std::span(&vector, 1));
  std::vector<float> sparse(64 * 67);
  for (size_t i = 0; i < sparse.size(); i += 13) sparse[i] = 0.01f * static_cast<float>(i % 50);
  cases.emplace_back(FullyConnected{64, sparse, {}}, std::span(&vector, 1));
  return cases;
}

std::vector<float> values(uint64_t count, size_t seed) {
  std::vector<float> result(count);
  for (size_t i = 0; i < count; ++i) result[i] = static_cast<float>((i * 37 + seed * 11) % 101) * 0.07f - 3;
  return result;
}

/// Every layer in every layout.
std::vector<LoopCase> loop_cases(const Target& target) {
  std::vector<LoopCase> result;
  for (LayerCase& c : layer_cases())
    for (const LayoutKind kind : kLayouts) {
      c.set_layouts({kind, 0, target.vector->lanes}, {kind, 0, target.vector->lanes});
      const auto steps = layer_steps(c.layer(), c.inputs, c.output, target, "layer");
      EXPECT_TRUE(steps) << steps.error().message;
      for (const LayerStep& step : *steps) {
        LoopCase run{step.program, {}, {}, step.weights, {}};
        const auto elements = [&](LoopBuffer b) { return step.program.elements[static_cast<size_t>(b)]; };
        run.x1 = values(elements(LoopBuffer::kX1), result.size() + 1);
        run.y = values(elements(LoopBuffer::kY), result.size());
        if (!step.program.in_place) run.x0 = values(elements(LoopBuffer::kX0), result.size());
        run.program.name = fmt::format("loops_{}", result.size());
        result.push_back(std::move(run));
      }
    }
  return result;
}

TEST(LayerObjects, AArch64GivesTheInterpretersBits) {
  for (const char* program : {"aarch64-linux-gnu-gcc", "qemu-aarch64"})
    if (!have_program(program)) GTEST_SKIP() << program << " is not installed";
  const Target target = *find_target("aarch64-linux");
  const std::vector<LoopCase> cases = loop_cases(target);
  const auto object = write_loop_object(programs_of(cases), target);
  ASSERT_TRUE(object) << object.error().message;
  const TemporaryFolder folder;
  folder.write("loops.o", *object);
  write_driver_files(cases, "", folder);
  std::vector<std::vector<float>> outputs;
  ASSERT_EQ(run_driver("aarch64-linux-gnu-gcc -O1 -static loops.o", "qemu-aarch64", cases, folder, outputs), "");
  expect_interpreted(cases, outputs);
}

// fmaxnm prefers numbers to NaN, so what keeps NaN must be fmax.
TEST(LayerObjects, AArch64ActivationsKeepNan) {
  for (const char* program : {"aarch64-linux-gnu-gcc", "qemu-aarch64"})
    if (!have_program(program)) GTEST_SKIP() << program << " is not installed";
  const Target target = *find_target("aarch64-linux");
  std::vector<LoopCase> cases = loop_cases(target);
  cases.resize(size_t{kActivationKinds - 1} * std::size(kLayouts));
  for (LoopCase& c : cases) std::ranges::fill(c.y, std::numeric_limits<float>::quiet_NaN());
  const auto object = write_loop_object(programs_of(cases), target);
  ASSERT_TRUE(object) << object.error().message;
  const TemporaryFolder folder;
  folder.write("loops.o", *object);
  write_driver_files(cases, "", folder);
  std::vector<std::vector<float>> outputs;
  ASSERT_EQ(run_driver("aarch64-linux-gnu-gcc -O1 -static loops.o", "qemu-aarch64", cases, folder, outputs), "");
  for (size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(std::isnan(outputs[i][0]), std::isnan(interpreted_output(cases[i])[0])) << "case " << i;
}

TEST(LayerObjects, WasmGivesTheInterpretersBits) {
  const auto node = node_with("simd128");
  if (!node) GTEST_SKIP() << "no node with simd128";
  const Target target = *find_target("wasm32");
  const std::vector<LoopCase> cases = loop_cases(target);
  const auto object = write_loop_object(programs_of(cases), target);
  ASSERT_TRUE(object) << object.error().message;
  const std::string objects[] = {*object};
  const auto module = wasm::link_module(objects);
  ASSERT_TRUE(module) << module.error().message;
  std::vector<std::vector<float>> outputs;
  ASSERT_EQ(run_loops_in_node(*node, *module, cases, outputs), "");
  expect_interpreted(cases, outputs);
}

}  // namespace
}  // namespace espalier::test
