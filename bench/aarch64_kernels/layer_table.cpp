#include "bench/aarch64_kernels/layer_table.h"

#include <algorithm>

#include "bench/aarch64_kernels/yardstick_weights.h"

namespace espalier {
namespace {

template <typename T>
std::string array(std::string_view type, const std::string& name, const std::vector<T>& values, const char* format) {
  std::string text = fmt::format("static const {} {}[] = {{", type, name);
  for (size_t i = 0; i < values.size(); ++i)
    text += (i % 8 ? " " : "\n  ") + fmt::format(fmt::runtime(format), values[i]) + ",";
  return text + "\n};\n";
}

/// C has no name for infinities that a constant may use without a header.
std::string literal(float bound) {
  if (bound == std::numeric_limits<float>::infinity()) return "__builtin_inff()";
  if (bound == -std::numeric_limits<float>::infinity()) return "-__builtin_inff()";
  return fmt::format("{:a}f", bound);
}

std::string arrays(const BenchLayer& layer, const YardstickWeights& weights) {
  return array("float", layer.name + "_values", weights.values, "{:a}f") +
         array("int32_t", layer.name + "_steps", weights.steps, "{}") +
         array("uint32_t", layer.name + "_counts", weights.counts, "{}");
}

std::string entry(const BenchLayer& layer, const YardstickWeights& weights) {
  const KernelSpec& image = layer.image->input.spec;
  return fmt::format(
      "  {{\"{0}\", {1}, {2}, {3}, {4}, {{&{5}, \"{6}\"}}, {{&{7}, \"{8}\"}},\n"
      "   {{{1}, {9}, {0}_values, {0}_steps, {0}_counts, {10}, {11}, {12}}}}},\n",
      layer.name, image.matrix.rows(), image.matrix.columns(), image.max_pixels(), image.input_stride,
      layer.panels->input.spec.name, to_string(layer.panels->program->schedule), image.name,
      to_string(layer.image->program->schedule), image.matrix.nonzeros(), weights.first_input, literal(image.clamp.low),
      literal(image.clamp.high));
}

std::string buffers(const std::vector<BenchLayer>& layers) {
  size_t input = 0, output = 0;
  for (const BenchLayer& layer : layers)
    for (const KernelSpec* spec : {&layer.panels->input.spec, &layer.image->input.spec}) {
      input = std::max(input, spec->input_elements());
      output = std::max(output, spec->output_elements());
    }
  return fmt::format(
      "_Alignas(4096) float input[{}];\n_Alignas(4096) float output[{}];\n"
      "_Alignas(4096) float expected[{}];\n",
      input, output, output);
}

}  // namespace

std::string layer_table(const std::vector<BenchLayer>& layers, const Target& target) {
  std::string text = "/* Written by generate_aarch64_kernels. */\n#include \"layers.h\"\n\n", entries;
  for (const BenchLayer& layer : layers) {
    const YardstickWeights weights = yardstick_weights(layer.image->input.spec);
    text += fmt::format("extern const espalier_kernel {}, {};\n", layer.panels->input.spec.name,
                        layer.image->input.spec.name);
    text += arrays(layer, weights);
    entries += entry(layer, weights);
  }
  return text +
         fmt::format(
             "const struct layer layers[] = {{\n{}}};\nconst size_t layer_count = {};\n"
             "const char cpu[] = \"{}\";\n",
             entries, layers.size(), target.cpu->name) +
         buffers(layers);
}

}  // namespace espalier
