#include "layer_case.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "backends/jit/jit_library.h"
#include "backends/loops/loop_object.h"
#include "ir/network/run_reference.h"

namespace espalier::test {
namespace {

using Function = void(const float* x0, const float* x1, float* y, const float* weights, const int32_t* table,
                      float* scratch, size_t first_item, size_t last_item);

constexpr float kCanary = 12345.5f;
constexpr size_t kGuard = 64;

std::vector<float> seeded_values(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> values(-3, 3);
  std::vector<float> result(count);
  for (float& value : result) value = values(random);
  return result;
}

template <typename Function>
void for_each_element(const LayerTensor& tensor, Function f) {
  uint64_t i = 0;
  for (uint32_t p = 0; p < tensor.shape.pixels(); ++p)
    for (uint32_t c = 0; c < tensor.shape.c; ++c) f(i++, tensor.place(c, p));
}

std::vector<float> laid_out(const LayerTensor& tensor, const std::vector<float>& values) {
  std::vector<float> buffer(tensor.elements(), std::numeric_limits<float>::quiet_NaN());
  for_each_element(tensor, [&](uint64_t i, uint64_t place) { buffer[place] = values[i]; });
  return buffer;
}

std::vector<float> taken(const LayerTensor& tensor, const std::vector<float>& buffer) {
  std::vector<float> values(tensor.shape.elements());
  for_each_element(tensor, [&](uint64_t i, uint64_t place) { values[i] = buffer[place]; });
  return values;
}

/// Values of an input in NHWC order.
std::vector<float> values_of(const LayerTensor& input, uint64_t seed) {
  if (input.is_constant()) return {input.constant.begin(), input.constant.end()};
  return seeded_values(input.shape.elements(), seed);
}

struct Run {
  const LayerCase& c;
  const std::vector<LayerStep>& steps;
  std::vector<std::vector<float>> buffers{};  ///< of the inputs

  Run(const LayerCase& layer_case, const std::vector<LayerStep>& its_steps, uint64_t seed)
      : c(layer_case), steps(its_steps) {
    for (size_t i = 0; i < c.inputs.size(); ++i) {
      const LayerTensor& input = c.inputs[i];
      buffers.push_back(input.is_constant() ? std::vector<float>() : laid_out(input, values_of(input, seed + i)));
    }
  }

  LoopArguments arguments(const LayerStep& step, std::vector<float>& y) const {
    const bool has_x1 = step.program.elements[static_cast<size_t>(LoopBuffer::kX1)] > 0;
    return {buffers[step.x0], has_x1 ? std::span<const float>(buffers[step.x1]) : std::span<const float>(), y,
            step.weights};
  }
  std::vector<float> all_at_once() const {
    std::vector<float> y(c.output.elements() + kGuard, kCanary);
    for (const LayerStep& step : steps) interpret(step.program, arguments(step, y), 0, step.program.items);
    for (size_t i = c.output.elements(); i < y.size(); ++i) EXPECT_EQ(y[i], kCanary) << "writes beyond its end";
    return taken(c.output, y);
  }
  std::vector<float> item_by_item() const {
    std::vector<float> y(c.output.elements() + kGuard, kCanary);
    for (const LayerStep& step : steps)
      for (uint32_t item = step.program.items; item-- > 0;) interpret(step.program, arguments(step, y), item, item + 1);
    return taken(c.output, y);
  }
  std::vector<float> in_place() const {
    std::vector<float> y = buffers[steps[0].x0];
    LoopArguments all = arguments(steps[0], y);
    all.x0 = y;
    interpret(steps[0].program, all, 0, steps[0].program.items);
    return taken(c.output, y);
  }
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(a, b,
                            [](float x, float y) { return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y); });
}

}  // namespace

LayerCase::LayerCase(Operation operation, std::span<const Shape> shapes, const Activation& activation) {
  std::vector<TensorId> ids;
  for (const Shape& shape : shapes) ids.push_back(add_input(network, "x", shape));
  const auto id = add_layer(network, "y", std::move(operation), ids, activation);
  EXPECT_TRUE(id) << id.error().message;
  network.outputs = {*id};
  for (const Shape& shape : shapes) inputs.push_back({shape, {}, {}});
  output = {network.shape_of(*id), {}, {}};
}

void LayerCase::make_constant(size_t i, uint64_t seed) {
  Tensor& tensor = network.tensors[layer().inputs[i]];
  tensor.data = seeded_values(tensor.shape.elements(), seed);
  inputs[i].constant = tensor.data;
  std::erase(network.inputs, layer().inputs[i]);
}

void LayerCase::set_layouts(const ActivationLayout& of_inputs, const ActivationLayout& of_output) {
  for (LayerTensor& input : inputs) input.layout = layout_of(of_inputs.kind, input.shape, of_inputs.panel);
  output.layout = layout_of(of_output.kind, output.shape, of_output.panel);
}

std::string LayerCase::text() const {
  constexpr const char* kNames[] = {"rows", "panels", "interleaved"};
  std::string text = to_string(network, layer());
  for (const LayerTensor& t : inputs)
    text += fmt::format("; {} {} {} of {}", t.is_constant() ? "constant" : "", to_string(t.shape),
                        kNames[static_cast<size_t>(t.layout.kind)], t.layout.panel);
  return text + fmt::format(" -> {} {} of {}", to_string(output.shape), kNames[static_cast<size_t>(output.layout.kind)],
                            output.layout.panel);
}

ActivationLayout layout_of(LayoutKind kind, const Shape& shape, uint32_t panel) {
  if (kind == LayoutKind::kChannelRows) return {kind, static_cast<uint32_t>(shape.pixels()) + 3, 0};
  if (kind == LayoutKind::kPanels) return {kind, 0, panel};
  return {};
}

void expect_agrees(const LayerCase& c, const Steps& steps, uint64_t seed, double tolerance) {
  SCOPED_TRACE(c.text());
  ASSERT_TRUE(steps) << steps.error().message;
  const Run run(c, *steps, seed);
  std::vector<std::vector<float>> values;
  for (size_t i = 0; i < c.inputs.size(); ++i)
    if (!c.inputs[i].is_constant()) values.push_back(values_of(c.inputs[i], seed + i));
  const auto reference = run_reference(c.network, values);
  ASSERT_TRUE(reference) << reference.error().message;
  const std::vector<float> y = run.all_at_once();
  for (size_t i = 0; i < y.size(); ++i) {
    const double wanted = double{(*reference)[0][i]};
    ASSERT_NEAR(double{y[i]}, wanted, tolerance * std::max(1.0, std::fabs(wanted))) << "element " << i;
  }
  EXPECT_TRUE(same_bits(run.item_by_item(), y)) << "items in another order give other bits";
  if ((*steps)[0].program.in_place) {
    ASSERT_EQ(steps->size(), 1u);
    EXPECT_TRUE(same_bits(run.in_place(), y)) << "in place gives other bits";
  }
}

void expect_compiles(const LayerCase& c, const Steps& steps, const Target& target, uint64_t seed) {
  SCOPED_TRACE(c.text());
  std::vector<LoopProgram> programs;
  for (const LayerStep& step : *steps) programs.push_back(step.program);
  const auto object = write_loop_object(programs, target);
  ASSERT_TRUE(object) << object.error().message;
  const auto library = JitLibrary::load_objects({&*object, 1}, target);
  if (!library) {
    ASSERT_EQ(library.error().kind, ErrorKind::kUnsupported) << library.error().message;
    return;
  }
  const Run run(c, *steps, seed);
  std::vector<float> y(c.output.elements() + kGuard, kCanary);
  for (const LayerStep& step : *steps) {
    const auto function = (*library)->address(step.program.name);
    ASSERT_TRUE(function) << function.error().message;
    const LoopArguments a = run.arguments(step, y);
    std::vector<float> scratch(step.program.elements[static_cast<size_t>(LoopBuffer::kScratch)]);
    reinterpret_cast<Function*>(*function)(a.x0.data(), a.x1.data(), y.data(), a.weights.data(),
                                           step.program.table.data(), scratch.data(), 0, step.program.items);
  }
  for (size_t i = c.output.elements(); i < y.size(); ++i) ASSERT_EQ(y[i], kCanary) << "writes beyond its end";
  EXPECT_TRUE(same_bits(taken(c.output, y), run.all_at_once())) << "machine code gives other bits";
}

}  // namespace espalier::test
