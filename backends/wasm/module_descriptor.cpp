#include "backends/wasm/module_descriptor.h"

#include "backends/wasm/features.h"
#include "espalier/kernel_abi.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/raw_ostream.h"

namespace espalier::wasm {
namespace {

constexpr char kCustomSection = 0;
constexpr std::string_view kSectionName = "espalier";

void write_kernel(llvm::json::OStream& json, const KernelProgram& p) {
  json.attribute("name", llvm::StringRef(p.name));
  json.attribute("output_channels", p.output_channels);
  json.attribute("input_channels", p.input_channels);
  json.attribute("nonzeros", p.nonzeros);
  json.attribute("pixels", p.pixels);
  json.attribute("max_pixels", p.max_pixels());
  json.attribute("input_stride", p.input_stride);
  json.attribute("output_stride", p.output_stride);
  json.attribute("input_panel", p.input_panel);
  json.attribute("output_panel", p.output_panel);
  json.attribute("pixel_block", p.pixel_block);
  json.attribute("pixel_multiple", p.pixel_multiple);
  json.attribute("groups", p.groups.size());
  json.attribute("chunks", p.chunks.size());
  json.attribute("weight_bytes", p.stream.size() * sizeof(float));
  json.attribute("indices_bytes", p.indices.size() * p.index_bytes);
  if (p.output_order.empty()) return;
  json.attributeArray("output_order", [&] {
    for (const uint32_t channel : p.output_order) json.value(channel);
  });
}

std::string descriptor(std::span<const KernelProgram> programs, uint64_t features,
                       const std::function<void(llvm::json::OStream&)>& more) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::json::OStream json(stream);
  json.object([&] {
    json.attribute("abi_version", ESPALIER_ABI_VERSION);
    json.attributeArray("features", [&] {
      for (const std::string_view feature : tool_features(features)) json.value(llvm::StringRef(feature));
    });
    json.attributeArray("kernels", [&] {
      for (const KernelProgram& p : programs) json.object([&] { write_kernel(json, p); });
    });
    if (more) more(json);
  });
  stream.flush();
  return text;
}

std::string length_and(std::string_view bytes) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::encodeULEB128(bytes.size(), stream);
  stream << llvm::StringRef(bytes);
  stream.flush();
  return text;
}

}  // namespace

std::string descriptor_section(std::span<const KernelProgram> programs) {
  return descriptor_section(programs, used_features(programs), {});
}

std::string descriptor_section(std::span<const KernelProgram> programs, uint64_t features,
                               const std::function<void(llvm::json::OStream&)>& more) {
  return kCustomSection + length_and(length_and(kSectionName) + descriptor(programs, features, more));
}

}  // namespace espalier::wasm
