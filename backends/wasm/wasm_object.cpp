#include <algorithm>
#include <set>

#include "backends/wasm/call_sequence.h"
#include "backends/wasm/chunk_body.h"
#include "backends/wasm/features.h"
#include "backends/wasm/object_file.h"
#include "backends/wasm/size_budget.h"
#include "backends/wasm/wasm_module.h"

namespace espalier {
namespace wasm {
namespace {

constexpr std::string_view kTriple = "wasm32-unknown-unknown";
constexpr uint64_t kAddressBytes = uint64_t{1} << 32;

/// The linker's own symbols start with two underscores; `memory` is what modules export theirs as.
bool is_reserved(std::string_view name) { return name == "memory" || name.starts_with("__"); }

Status check_addressable(const char* which, uint64_t rows, uint64_t stride) {
  const uint64_t bytes = rows * stride * sizeof(float);
  if (bytes <= kAddressBytes) return {};
  return limit_exceeded("the {} has {} bytes, but WebAssembly addresses {}", which, bytes, kAddressBytes);
}

Status check_program(const KernelProgram& p) {
  if (p.target.isa != Isa::kWasm || !p.target.vector || p.target.vector->lanes != 4)
    return internal_error("made for target {}, not for wasm32", p.target.name);
  if (is_reserved(p.name)) return bad_input("WebAssembly modules reserve this name");
  if (Status s = check_addressable("input", p.input_channels, p.input_stride); !s) return s;
  if (Status s = check_addressable("output", p.output_channels, p.output_stride); !s) return s;
  return check_addressable("weight stream", 1, p.stream.size());
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

Status write_kernel(const KernelProgram& program, CodeWriter& code, ObjectFile& object, SizeBudget& budget) {
  if (Status s = budget.add(program.stream.size() * sizeof(float)); !s) return s;
  if (!program.stream.empty()) object.add_data(weights_symbol(program), program.stream);
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
