#include "ir/target.h"

#include <array>

#include "espalier/runtime.h"

namespace espalier {
namespace {

constexpr VectorIsa kVectorIsas[] = {
    // name, lanes, registers, arithmetic, fma_load, fma_splat, fma_lane, splat_lane, masks, features
    {"avx2", 8, 16, Arithmetic::kFma, true, false, false, true, false, ESPALIER_CPU_AVX2 | ESPALIER_CPU_FMA},
    {"avx512", 16, 32, Arithmetic::kFma, true, true, false, true, true, ESPALIER_CPU_AVX512F | ESPALIER_CPU_AVX512VL},
    {"neon", 4, 32, Arithmetic::kFma, false, false, true, true, false, ESPALIER_CPU_NEON},
    {"simd128", 4, 64, Arithmetic::kMulAdd, false, false, false, true, false, ESPALIER_CPU_SIMD128},
    {"relaxed", 4, 64, Arithmetic::kFma, false, false, false, true, false,
     ESPALIER_CPU_SIMD128 | ESPALIER_CPU_RELAXED_SIMD},
    {"portable", 4, 32, Arithmetic::kMulAdd, false, false, false, false, false, 0},
};

constexpr const VectorIsa* isa_named(std::string_view name) {
  for (const VectorIsa& v : kVectorIsas)
    if (v.name == name) return &v;
  return nullptr;
}

constexpr uint32_t kKiB = 1024;

constexpr Cpu unpriced(Cpu cpu) {
  cpu.has_llvm_model = false;
  return cpu;
}
constexpr Cpu with_pairs(Pairs pairs, Cpu cpu) {
  cpu.pairs = pairs;
  return cpu;
}
/// For cores that load one register a cycle: eight non-zeros share the load of their entries.
constexpr Cpu in_long_turns(Cpu cpu) {
  cpu.nonzeros_per_turn = 8;
  return cpu;
}
constexpr Cpu engine(uint32_t vector_registers, Cpu cpu) {
  cpu.engine_registers = vector_registers;
  return unpriced(cpu);
}

// Cache sizes from the vendors' optimisation manuals; per core, the smallest configuration sold where it varies.
// (Cortex-A76: 512 KiB of L2, which most of them have.)
struct CpuEntry {
  Cpu cpu;
  Isa isa;
  const VectorIsa* vector;
};
constexpr CpuEntry kCpus[] = {
    {{"haswell", 32 * kKiB, 32 * kKiB, 256 * kKiB, 8192 * kKiB, "haswell"}, Isa::kX86_64, isa_named("avx2")},
    {{"znver3", 32 * kKiB, 32 * kKiB, 512 * kKiB, 16384 * kKiB, "znver3"}, Isa::kX86_64, isa_named("avx2")},
    {{"skylake-avx512", 32 * kKiB, 32 * kKiB, 1024 * kKiB, 8192 * kKiB, "skylake-avx512"},
     Isa::kX86_64,
     isa_named("avx512")},
    {{"znver4", 32 * kKiB, 32 * kKiB, 1024 * kKiB, 16384 * kKiB, "znver4"}, Isa::kX86_64, isa_named("avx512")},
    {{"cortex-a76", 64 * kKiB, 64 * kKiB, 512 * kKiB, 1024 * kKiB, "neoverse-n1"}, Isa::kAArch64, isa_named("neon")},
    {unpriced({"cortex-a53", 32 * kKiB, 32 * kKiB, 256 * kKiB, 256 * kKiB, "cortex-a53"}), Isa::kAArch64,
     isa_named("neon")},
    {with_pairs(Pairs::kNone, {"cortex-a55", 32 * kKiB, 32 * kKiB, 128 * kKiB, 512 * kKiB, "cortex-a55"}),
     Isa::kAArch64, isa_named("neon")},
    {in_long_turns(
         with_pairs(Pairs::kMost, {"cortex-a72", 48 * kKiB, 32 * kKiB, 512 * kKiB, 512 * kKiB, "cortex-a72"})),
     Isa::kAArch64, isa_named("neon")},
    {{"neoverse-n1", 64 * kKiB, 64 * kKiB, 512 * kKiB, 8192 * kKiB, "neoverse-n1"}, Isa::kAArch64, isa_named("neon")},
    {{"cortex-a73", 64 * kKiB, 32 * kKiB, 256 * kKiB, 256 * kKiB, "cortex-a72"}, Isa::kAArch64, isa_named("neon")},
    {{"cortex-a78", 32 * kKiB, 32 * kKiB, 256 * kKiB, 2048 * kKiB, "neoverse-n1"}, Isa::kAArch64, isa_named("neon")},
    {{"cortex-x1", 64 * kKiB, 64 * kKiB, 512 * kKiB, 2048 * kKiB, "neoverse-v1"}, Isa::kAArch64, isa_named("neon")},
    {{"neoverse-v1", 64 * kKiB, 64 * kKiB, 1024 * kKiB, 8192 * kKiB, "neoverse-v1"}, Isa::kAArch64, isa_named("neon")},
    {{"apple-m1", 192 * kKiB, 128 * kKiB, 4096 * kKiB, 8192 * kKiB, "apple-m1"}, Isa::kAArch64, isa_named("neon")},
    // Engines on x86-64 and on AArch64: caches about as most laptops and phones of the 2020s have at least.
    {engine(16, {"simd128", 32 * kKiB, 32 * kKiB, 512 * kKiB, 4096 * kKiB, "generic"}), Isa::kWasm,
     isa_named("simd128")},
    {engine(16, {"relaxed", 32 * kKiB, 32 * kKiB, 512 * kKiB, 4096 * kKiB, "generic"}), Isa::kWasm,
     isa_named("relaxed")},
    {engine(32, {"simd128-arm64", 64 * kKiB, 64 * kKiB, 512 * kKiB, 1024 * kKiB, "generic"}), Isa::kWasm,
     isa_named("simd128")},
    {engine(32, {"relaxed-arm64", 64 * kKiB, 64 * kKiB, 512 * kKiB, 1024 * kKiB, "generic"}), Isa::kWasm,
     isa_named("relaxed")},
    {{"portable", 32 * kKiB, 32 * kKiB, 256 * kKiB, 256 * kKiB, ""}, Isa::kC99, isa_named("portable")},
};

// The first CPU of a vector ISA stands for the ISA's own name ("avx512", "neon").
constexpr const CpuEntry* cpu_named(Isa isa, std::string_view name) {
  for (const CpuEntry& c : kCpus)
    if (c.isa == isa && (c.cpu.name == name || c.vector->name == name)) return &c;
  return nullptr;
}

struct SystemEntry {
  std::string_view name;
  Isa isa;
  ObjectFormat format;
  std::string_view triple, default_cpu;
};
constexpr SystemEntry kSystems[] = {
    {"x86_64-linux", Isa::kX86_64, ObjectFormat::kElf, "x86_64-unknown-linux-gnu", "haswell"},
    {"x86_64-macos", Isa::kX86_64, ObjectFormat::kMachO, "x86_64-apple-macosx11.0.0", "haswell"},
    {"aarch64-linux", Isa::kAArch64, ObjectFormat::kElf, "aarch64-unknown-linux-gnu", "cortex-a76"},
    {"aarch64-macos", Isa::kAArch64, ObjectFormat::kMachO, "arm64-apple-macosx11.0.0", "apple-m1"},
    {"wasm32", Isa::kWasm, ObjectFormat::kWasm, "wasm32-unknown-unknown", "simd128"},
    {"c99", Isa::kC99, ObjectFormat::kNone, "", "portable"},
};

#if defined(__x86_64__) && defined(__APPLE__)
constexpr std::string_view kHostSystem = "x86_64-macos";
#elif defined(__x86_64__)
constexpr std::string_view kHostSystem = "x86_64-linux";
#elif defined(__aarch64__) && defined(__APPLE__)
constexpr std::string_view kHostSystem = "aarch64-macos";
#elif defined(__aarch64__)
constexpr std::string_view kHostSystem = "aarch64-linux";
#else
constexpr std::string_view kHostSystem = "c99";
#endif

std::string_view host_cpu() {
  const uint64_t features = host_cpu_features();
  if (kHostSystem.substr(0, 6) != "x86_64") return {};
  if ((features & ESPALIER_CPU_AVX512F) && (features & ESPALIER_CPU_AVX512VL)) return "znver4";
  return "znver3";
}

const SystemEntry* system_named(std::string_view name) {
  for (const SystemEntry& s : kSystems)
    if (s.name == name) return &s;
  return nullptr;
}

std::string system_names() {
  std::string names;
  for (const SystemEntry& s : kSystems) names += fmt::format("{}, ", s.name);
  return names + "host";
}

std::string cpu_names(Isa isa) {
  std::string names;
  for (const CpuEntry& c : kCpus)
    if (c.isa == isa) names += fmt::format("{}{}", names.empty() ? "" : ", ", c.cpu.name);
  return names;
}

constexpr auto kTargetEntries = [] {
  constexpr size_t count = [] {
    size_t n = 0;
    for (const SystemEntry& s : kSystems)
      for (const CpuEntry& c : kCpus) n += c.isa == s.isa;
    return n;
  }();
  std::array<TargetEntry, count> entries{};
  size_t n = 0;
  for (const SystemEntry& s : kSystems)
    for (const CpuEntry& c : kCpus)
      if (c.isa == s.isa) entries[n++] = {s.name, c.cpu.name, c.vector->name};
  return entries;
}();

}  // namespace

Result<Target> find_target(std::string_view name, std::string_view cpu) {
  const bool host = name == "host";
  const SystemEntry* system = system_named(host ? kHostSystem : name);
  if (!system) return bad_input("unknown target '{}', known targets are {}", name, system_names());
  if (cpu.empty() && host) cpu = host_cpu();
  if (cpu.empty()) cpu = system->default_cpu;
  const CpuEntry* entry = cpu_named(system->isa, cpu);
  if (!entry)
    return bad_input("target {} has no CPU '{}', known CPUs are {}", system->name, cpu, cpu_names(system->isa));
  return Target{system->name, system->isa, system->format, system->triple, entry->vector, &entry->cpu};
}

std::span<const TargetEntry> known_targets() { return kTargetEntries; }

uint64_t host_cpu_features() { return espalier_host_cpu_features(); }

}  // namespace espalier
