#include <bit>
#include <set>

#include "backends/wasm/call_sequence.h"
#include "backends/wasm/chunk_body.h"
#include "backends/wasm/chunk_locals.h"
#include "backends/wasm/features.h"
#include "backends/wasm/object_file.h"
#include "backends/wasm/size_budget.h"
#include "backends/wasm/wasm_module.h"
#include "espalier/kernel_abi.h"

namespace espalier {
namespace wasm {
namespace {

constexpr std::string_view kTriple = "wasm32-unknown-unknown";
constexpr uint64_t kAddressBytes = uint64_t{1} << 32;

/// The linker's own symbols start with two underscores; `memory` is what modules export theirs as.
bool is_reserved(std::string_view name) { return name == "memory" || name.starts_with("__"); }

Status check_addressable(const char* which, uint64_t elements) {
  const uint64_t bytes = elements * sizeof(float);
  if (bytes <= kAddressBytes) return {};
  return limit_exceeded("the {} has {} bytes, but WebAssembly addresses {}", which, bytes, kAddressBytes);
}

/// Of the largest call; of CHW images whole rows, also the last one.
uint64_t buffer_elements(const KernelProgram& p, uint64_t channels, uint64_t stride, uint64_t panel) {
  return panel ? espalier_buffer_elements(channels, p.max_pixels(), stride, panel) : channels * stride;
}

Status check_program(const KernelProgram& p) {
  if (p.target.isa != Isa::kWasm || !p.target.vector || p.target.vector->lanes != 4)
    return internal_error("made for target {}, not for wasm32", p.target.name);
  if (is_reserved(p.name)) return bad_input("WebAssembly modules reserve this name");
  const uint64_t input = buffer_elements(p, p.input_channels, p.input_stride, p.input_panel);
  const uint64_t output = buffer_elements(p, p.output_channels, p.output_stride, p.output_panel);
  if (Status s = check_addressable("input", input); !s) return s;
  if (Status s = check_addressable("output", output); !s) return s;
  if (Status s = check_addressable("weight stream", p.stream.size()); !s) return s;
  return check_addressable("index stream", p.indices.size());
}

Status check_programs(std::span<const KernelProgram> programs) {
  std::set<std::string_view> names;
  for (const KernelProgram& p : programs) {
    if (Status s = check_program(p); !s) return std::move(s).error().in("kernel " + p.name);
    if (!names.insert(p.name).second) return bad_input("kernel {}: two kernels of one module have this name", p.name);
  }
  return {};
}

Status write_chunk(const KernelProgram& program, size_t c, CodeWriter& code, ObjectFile& object, SizeBudget& budget) {
  if (Status s = write_chunk_body(program, program.chunks[c], code); !s) return s;
  if (code.code().size() > kMaxWasmFunctionBytes)
    return limit_exceeded(
        "{} bytes of code, but a WebAssembly function may have {}; a smaller chunk in the schedule "
        "helps",
        code.code().size(), kMaxWasmFunctionBytes);
  if (Status s = budget.add(code.code().size()); !s) return s;
  object.begin_function(chunk_symbol(program, c), kChunkParameters);
  object.append_code(code.code());
  return {};
}

/// The low `bytes` bytes of every value, in the order of WebAssembly's memory.
void append_little_endian(std::string& text, uint32_t value, uint32_t bytes) {
  for (uint32_t b = 0; b < bytes; ++b) text.push_back(static_cast<char>(value >> 8 * b & 0xff));
}
std::string bytes_of_weights(const KernelProgram& p) {
  std::string text;
  text.reserve(p.stream.size() * sizeof(float));
  for (const float weight : p.stream) append_little_endian(text, std::bit_cast<uint32_t>(weight), sizeof(float));
  return text;
}
std::string bytes_of_indices(const KernelProgram& p) {
  std::string text;
  text.reserve(p.indices.size() * p.index_bytes);
  for (const uint32_t index : p.indices) append_little_endian(text, index, p.index_bytes);
  return text;
}

Status write_data(const KernelProgram& p, ObjectFile& object, SizeBudget& budget) {
  if (Status s = budget.add(p.stream.size() * sizeof(float) + p.indices.size() * p.index_bytes); !s) return s;
  if (!p.stream.empty()) object.add_data(weights_symbol(p), bytes_of_weights(p));
  if (!p.indices.empty()) object.add_data(indices_symbol(p), bytes_of_indices(p));
  return {};
}

Status write_kernel(const KernelProgram& program, CodeWriter& code, ObjectFile& object, SizeBudget& budget) {
  if (Status s = write_data(program, object, budget); !s) return s;
  for (size_t c = 0; c < program.chunks.size(); ++c)
    if (Status s = write_chunk(program, c, code, object, budget); !s)
      return std::move(s).error().in(fmt::format("chunk {}", c));
  return write_call_sequence(program, code, object);
}

Result<std::string> write_object(std::span<const KernelProgram> programs) {
  if (Status s = check_programs(programs); !s) return std::move(s).error();
  auto mc = McTarget::create(kTriple, "generic", "+simd128,+relaxed-simd");
  if (!mc) return std::move(mc).error();
  const auto encodings = Encodings::create(**mc);
  if (!encodings) return encodings.error();
  auto object = ObjectFile::create(**mc);
  if (!object) return std::move(object).error();
  CodeWriter code(*encodings);
  SizeBudget budget;
  for (const KernelProgram& p : programs)
    if (Status s = write_kernel(p, code, **object, budget); !s) return std::move(s).error().in("kernel " + p.name);
  (*object)->add_target_features(tool_features(programs));
  return (*object)->finish();
}

}  // namespace
}  // namespace wasm

Result<std::string> write_wasm_object(std::span<const KernelProgram> programs) { return wasm::write_object(programs); }

}  // namespace espalier
