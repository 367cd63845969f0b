// The machines that kernel programs are made for, as far as programs depend on them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ir/error.h"

namespace espalier {

enum class Isa : uint8_t { kX86_64, kAArch64, kWasm, kC99 };
enum class ObjectFormat : uint8_t { kElf, kMachO, kWasm, kNone };

/// How a product is added: one rounding (fused) or two.
enum class Arithmetic : uint8_t { kFma, kMulAdd };

/// Vector instructions a target has; the code generator and the verifier go by these, not by the target's name.
struct VectorIsa {
  std::string_view name;  ///< "avx2", "avx512", "neon", "simd128", "relaxed", "portable"
  uint32_t lanes;         ///< fp32 lanes of a full vector
  uint32_t registers;     ///< vector registers a program may name: v0 .. v<registers - 1>
  Arithmetic arithmetic;
  bool has_fma_load;    ///< fma_load: one multiplicand straight from memory (full vectors, or masked ones)
  bool has_fma_splat;   ///< fma_splat: one multiplicand is a weight in memory, splat on its way
  bool has_fma_lane;    ///< fma_lane: one multiplicand is a lane of a 4-lane group of a register
  bool has_splat_lane;  ///< splat_lane: copy one lane of a 4-lane register to all lanes
  bool has_masks;       ///< loads and stores of any number of lanes below a full vector
  uint64_t features;    ///< ESPALIER_CPU_* bits of runtime/kernel_abi.h that the code needs
};

/// AArch64: which neighbouring loads and stores become one of two registers (ldp, stp): none where that is slower than
/// two, two of three where it takes too many slots of the front end.
enum class Pairs : uint8_t { kNone, kMost, kAll };

/// A CPU: cache sizes in bytes, which bound code chunks (l1i), K blocks (l1d), pixel blocks (l2) and what layers may
/// hand on as a whole (last_level, shared with other cores; l2 where there is no more).
struct Cpu {
  std::string_view name;
  uint32_t l1i, l1d, l2, last_level;
  std::string_view llvm_name;  ///< LLVM's name for it (-mcpu), for listings and the machine-code analyser
  Pairs pairs = Pairs::kAll;
  bool has_llvm_model = true;      ///< LLVM's scheduling model of llvm_name describes it
  uint32_t nonzeros_per_turn = 4;  ///< of loops over several rows in turns
  uint32_t engine_registers = 0;   ///< WebAssembly: vector registers that the engine has for what a program names
};

/// Target = operating system's object conventions x vector ISA x CPU.
struct Target {
  std::string_view name;  ///< "x86_64-linux", "aarch64-linux", "aarch64-macos", "wasm32", "c99"
  Isa isa = Isa::kC99;
  ObjectFormat format = ObjectFormat::kNone;
  std::string_view triple;  ///< LLVM target triple
  const VectorIsa* vector = nullptr;
  const Cpu* cpu = nullptr;
};

/// Looks up `name` (or "host") and `cpu` (a CPU or a vector ISA of that target; empty: its default).
/// Errors: kBadInput with the list of known names.
Result<Target> find_target(std::string_view name, std::string_view cpu = {});

/// One line per target and CPU that find_target knows, in a fixed order.
struct TargetEntry {
  std::string_view target, cpu, vector_isa;
};
std::span<const TargetEntry> known_targets();

/// The features (ESPALIER_CPU_*) of the CPU this process runs on.
uint64_t host_cpu_features();

}  // namespace espalier
