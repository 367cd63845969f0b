#include "codegen/cli/network_input.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>

#include "ir/import/image_file.h"
#include "ir/import/npy.h"
#include "ir/matrix_transpose.h"

namespace espalier::cli {
namespace {

struct Range {
  float low = 0, high = 1;
};

Result<Range> parse_range(const std::string& text) {
  Range range;
  char* end = nullptr;
  range.low = std::strtof(text.c_str(), &end);
  const bool has_both = end != text.c_str() && *end == ',' && end[1] != 0;
  if (has_both) range.high = std::strtof(end + 1, &end);
  if (!has_both || *end != 0 || !std::isfinite(range.low) || !std::isfinite(range.high))
    return bad_input("--range is '{}', but must be LOW,HIGH", text);
  return range;
}

/// [n, c, h, w] to [n, h, w, c].
/// Any shape of as many elements: [h, w, c] without its batch is what people have.
Result<std::vector<float>> from_npy(const std::string& file, const Tensor& input) {
  const auto array = read_npy(file);
  if (!array) return array.error();
  if (array->elements() != input.shape.elements())
    return bad_input("{}: has shape {}, {} elements, but input '{}' has shape {}, {} elements", file,
                     shape_text(array->shape), array->elements(), input.name, to_string(input.shape),
                     input.shape.elements());
  auto values = array->floats();
  if (!values) return std::move(values).error().in(file);
  const Shape& s = input.shape;
  const bool is_channels_first = array->shape == std::vector<uint64_t>{s.n, s.c, s.h, s.w} &&
                                 array->shape != std::vector<uint64_t>{s.n, s.h, s.w, s.c};
  return is_channels_first ? transposed_matrices(*values, s.c, s.pixels()) : *std::move(values);
}

Result<std::vector<float>> from_picture(const std::string& file, const Tensor& input, const Range& range) {
  const auto bytes = read_file_bytes(file);
  if (!bytes) return bytes.error();
  const auto image = parse_image(file, *bytes, input.shape.c);
  if (!image) return image.error();
  return as_input(*image, input.shape, range.low, range.high);
}

std::vector<std::vector<float>> seeded_inputs(const Network& network, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<std::vector<float>> inputs;
  for (const TensorId input : network.inputs) {
    inputs.emplace_back(network.shape_of(input).elements());
    for (float& value : inputs.back()) value = random.weight();
  }
  return inputs;
}

}  // namespace

void NetworkInputArguments::add_to(CLI::App& app) {
  app.add_option("--input", files, "network: an input as .npy, PNG or JPEG, once per input (default: seeded values)");
  app.add_option("--range", range, "network: what bytes 0 and 255 of a picture become, LOW,HIGH")
      ->capture_default_str();
}

Result<std::vector<std::vector<float>>> network_inputs(const NetworkInputArguments& arguments, const Network& network,
                                                       uint64_t seed) {
  const auto range = parse_range(arguments.range);
  if (!range) return range.error();
  if (arguments.files.empty()) return seeded_inputs(network, seed);
  if (arguments.files.size() != network.inputs.size())
    return bad_input("--input is given {} times, but the network has {} inputs", arguments.files.size(),
                     network.inputs.size());
  std::vector<std::vector<float>> inputs;
  for (size_t i = 0; i < network.inputs.size(); ++i) {
    const Tensor& input = network.tensors[network.inputs[i]];
    const std::string& file = arguments.files[i];
    auto values = file.ends_with(".npy") ? from_npy(file, input) : from_picture(file, input, *range);
    if (!values) return std::move(values).error();
    inputs.push_back(*std::move(values));
  }
  return inputs;
}

}  // namespace espalier::cli
