#include "backends/c_source/manifest.h"

#include "backends/text_template.h"
#include "espalier/kernel_abi.h"
#include "espalier/network_abi.h"
#include "espalier/runtime.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

namespace espalier {
namespace {

using llvm::json::OStream;

/// LLVM's writer asserts on text that is not UTF-8, and file names may be anything.
std::string utf8(std::string_view text) {
  return llvm::json::isUTF8(text) ? std::string(text) : llvm::json::fixUTF8(text);
}

void text(OStream& json, std::string_view key, std::string_view value) { json.attribute(key, utf8(value)); }

void number(OStream& json, std::string_view key, uint64_t value) { json.attribute(key, static_cast<int64_t>(value)); }

void names(OStream& json, std::string_view key, const std::vector<std::string>& values) {
  json.attributeArray(key, [&] {
    for (const std::string& value : values) json.value(utf8(value));
  });
}

void bound(OStream& json, std::string_view key, bool present, float value) {
  if (present)
    json.attribute(key, static_cast<double>(value));
  else
    json.attribute(key, nullptr);
}

std::vector<std::string> feature_names(uint64_t features) {
  std::vector<std::string> result;
  for (; features; features &= features - 1)
    if (const char* name = espalier_cpu_feature_name(features & (~features + 1))) result.push_back(name);
  return result;
}

std::string sha256(std::string_view bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto hash = llvm::SHA256::hash(llvm::ArrayRef<uint8_t>(data, bytes.size()));
  return "sha256:" + llvm::toHex(hash, /*LowerCase=*/true);
}

void write_generator(OStream& json, const Banner& banner) {
  json.attributeObject("generator", [&] {
    text(json, "name", "espalier");
    text(json, "version", banner.version);
    text(json, "command_line", banner.command_line);
  });
  json.attributeObject("input", [&] {
    text(json, "name", banner.input);
    text(json, "hash", banner.input_hash);
  });
}

void write_target(OStream& json, const Target& target) {
  json.attributeObject("target", [&] {
    text(json, "name", target.name);
    text(json, "triple", target.triple);
    text(json, "cpu", target.cpu->name);
    text(json, "vector_isa", target.vector->name);
    text(json, "arithmetic", target.vector->arithmetic == Arithmetic::kFma ? "fma" : "mul_add");
    names(json, "cpu_features", feature_names(target.vector->features));
  });
}

void write_file(OStream& json, const OutputFile& file) {
  json.object([&] {
    text(json, "name", file.name);
    number(json, "bytes", file.contents.size());
    text(json, "hash", sha256(file.contents));
  });
}

void write_shape(OStream& json, const KernelProgram& p) {
  number(json, "output_channels", p.output_channels);
  number(json, "input_channels", p.input_channels);
  number(json, "nonzeros", p.nonzeros);
  if (p.pixels)
    number(json, "pixels", p.pixels);
  else
    json.attribute("pixels", nullptr);
  number(json, "max_pixels", p.max_pixels());
  number(json, "input_stride", p.input_stride);
  number(json, "output_stride", p.output_stride);
}

void write_cost(OStream& json, const ManifestLayer& layer) {
  const KernelProgram& p = *layer.program;
  number(json, "pixel_block", p.pixel_block);
  number(json, "row_groups", p.groups.size());
  number(json, "chunks", p.chunks.size());
  number(json, "work_items", p.work_items(p.max_pixels()));
  number(json, "micro_ops", p.micro_ops());
  if (layer.code_bytes)
    number(json, "code_bytes", *layer.code_bytes);
  else
    json.attribute("code_bytes", nullptr);
  number(json, "weight_bytes", p.weight_bytes());
  number(json, "index_bytes", p.indices.size() * p.index_bytes);
}

/// Rounded, so that the text is short and the same everywhere.
void ratio(OStream& json, std::string_view key, double value) {
  json.attributeBegin(llvm::StringRef(key));
  json.rawValue(fmt::format("{:.3f}", value));
  json.attributeEnd();
}

void write_output_order(OStream& json, const KernelProgram& p) {
  if (p.output_order.empty()) return json.attribute("output_order", nullptr);
  json.attributeArray("output_order", [&] {
    for (const uint32_t channel : p.output_order) json.value(channel);
  });
}

std::string_view layout(const KernelProgram& p) {
  if (p.input_panel) return p.output_panel ? "panels" : "panels to chw";
  return p.output_panel ? "chw to panels" : "chw";
}

void write_layer(OStream& json, const ManifestLayer& layer) {
  const KernelProgram& p = *layer.program;
  const std::string schedule = to_string(p.schedule);
  json.object([&] {
    text(json, "symbol", p.name);
    text(json, "source", layer.source);
    write_shape(json, p);
    json.attribute("bias", layer.has_bias);
    bound(json, "clamp_low", layer.clamp.has_low(), layer.clamp.low);
    bound(json, "clamp_high", layer.clamp.has_high(), layer.clamp.high);
    text(json, "layout", layout(p));
    number(json, "input_panel", p.input_panel);
    number(json, "output_panel", p.output_panel);
    number(json, "pixel_multiple", p.pixel_multiple);
    number(json, "alignment_bytes", alignof(float));
    text(json, "form", form_name(p.schedule));
    text(json, "schedule", schedule);
    text(json, "reason", layer.reason);
    write_cost(json, layer);
    ratio(json, "nonzeros_per_input_load", layer.sharing_after);
    ratio(json, "nonzeros_per_input_load_unclustered", layer.sharing_before);
    write_output_order(json, p);
    names(json, "files", layer.files);
  });
}

void write_values(OStream& json, std::string_view key, const std::vector<NetworkValue>& values) {
  json.attributeArray(key, [&] {
    for (const NetworkValue& value : values)
      json.object([&] {
        text(json, "name", value.name);
        json.attributeArray("shape", [&] {
          for (const uint32_t size : value.shape.sizes()) json.value(size);
        });
      });
  });
}

void write_step(OStream& json, const NetworkProgram& network, const NetworkStep& step) {
  json.object([&] {
    number(json, "layer", step.layer);
    text(json, "symbol", step.is_kernel ? network.kernels[step.program]->name : network.loops[step.program].name);
    text(json, "kind", step.is_kernel ? "kernel" : "function");
    number(json, "first_item", step.first);
    number(json, "work_items", step.items);
    number(json, "multiply_adds", step.multiply_adds);
  });
}

void write_network(OStream& json, const NetworkProgram& network) {
  json.attributeObject("network", [&] {
    text(json, "symbol", network.name);
    number(json, "network_abi_version", ESPALIER_NETWORK_ABI_VERSION);
    write_values(json, "inputs", network.inputs);
    write_values(json, "outputs", network.outputs);
    number(json, "arena_bytes", network.arena_elements * sizeof(float));
    number(json, "largest_live_bytes", network.largest_live_elements * sizeof(float));
    number(json, "scratch_bytes", network.scratch_elements * sizeof(float));
    number(json, "weight_bytes", network.weight_bytes());
    names(json, "layers", network.layers);
    json.attributeArray("steps", [&] {
      for (const NetworkStep& step : network.steps) write_step(json, network, step);
    });
  });
}

}  // namespace

Result<OutputFile> write_manifest(const ManifestInput& input) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  OStream json(stream, 2);
  json.object([&] {
    number(json, "manifest_version", 1);
    number(json, "abi_version", ESPALIER_ABI_VERSION);
    text(json, "library", input.library);
    write_generator(json, input.banner);
    write_target(json, input.target);
    json.attributeArray("files", [&] {
      for (const OutputFile& file : input.files) write_file(json, file);
    });
    json.attributeArray("layers", [&] {
      for (const ManifestLayer& layer : input.layers) write_layer(json, layer);
    });
    if (input.network) write_network(json, *input.network);
  });
  json.flush();
  stream.flush();
  out += '\n';
  return OutputFile{"manifest.json", std::move(out)};
}

Result<OutputFile> manifest_schema() {
  auto text = embedded_text("manifest.schema.json");
  if (!text) return std::move(text).error();
  return OutputFile{"manifest.schema.json", std::string(*text)};
}

}  // namespace espalier
