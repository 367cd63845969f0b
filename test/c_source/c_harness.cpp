#include "c_harness.h"

#include <cstring>
#include <optional>

#include "backends/text_template.h"
#include "espalier/runtime.h"
#include "gtest/gtest.h"
#include "test/support/command.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

// Reads x and the initial y from files, runs the kernel work item by work item, last one first, and writes y back.
constexpr std::string_view kNativeMain = R"(#include <stdio.h>
#include <stdlib.h>
#include "espalier/kernel_abi.h"
extern const espalier_kernel KERNEL;
static float *slurp(const char *name, size_t count) {
  float *values = malloc(count * sizeof *values + 1);
  FILE *file = fopen(name, "rb");
  if (!values || !file || fread(values, sizeof *values, count, file) != count) exit(3);
  fclose(file);
  return values;
}
int main(int argc, char **argv) {
  if (argc != 4 || KERNEL.abi_version != ESPALIER_ABI_VERSION || KERNEL.struct_bytes != sizeof KERNEL) return 2;
  const size_t pixels = (size_t)atoi(argv[1]), x_count = (size_t)atoi(argv[2]), y_count = (size_t)atoi(argv[3]);
  float *x = slurp("x.bin", x_count), *y = slurp("y.bin", y_count);
  for (size_t item = espalier_kernel_items(&KERNEL, pixels); item-- > 0;)
    espalier_kernel_run_items(&KERNEL, x, y, pixels, item, item + 1);
  FILE *file = fopen("y.bin", "wb");
  if (!file || fwrite(y, sizeof *y, y_count, file) != y_count || fclose(file)) return 4;
  return 0;
}
)";

constexpr std::string_view kWasmMain = R"(#include "espalier/kernel_abi.h"
extern const espalier_kernel KERNEL;
static float x_buffer[1 << 16], y_buffer[1 << 16];
__attribute__((export_name("x"))) float *x(void) { return x_buffer; }
__attribute__((export_name("y"))) float *y(void) { return y_buffer; }
__attribute__((export_name("run"))) void run(uint32_t pixels) { espalier_kernel_run(&KERNEL, x_buffer, y_buffer, pixels); }
)";

constexpr std::string_view kNodeMain = R"(const fs = require('fs');
const { exports: e } = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync('kernel.wasm')));
const bytes = () => new Uint8Array(e.memory.buffer);
const y = fs.readFileSync('y.bin');
bytes().set(fs.readFileSync('x.bin'), e.x());
bytes().set(y, e.y());
e.run(Number(process.argv[2]));
fs.writeFileSync('y.bin', bytes().slice(e.y(), e.y() + y.length));
)";

constexpr std::string_view kEmulation = "-O1 -D__AVX512F__=1 -I" ESPALIER_SOURCE_DIR "/test/c_source/emulated_avx512";

constexpr DialectCase kDialects[] = {
    {{"gcc", ESPALIER_TEST_GCC, "-O2 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2"},
    {{"clang", ESPALIER_TEST_CLANG, "-O2 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2"},
    {{"gcc", ESPALIER_TEST_GCC, "-O2 -mavx512f", Machine::kNative}, "x86_64-linux", "avx512"},
    {{"clang", ESPALIER_TEST_CLANG, "-O2 -mavx512f", Machine::kNative}, "x86_64-linux", "avx512"},
    {{"emulated_gcc", ESPALIER_TEST_GCC, kEmulation, Machine::kEmulatedAvx512}, "x86_64-linux", "avx512"},
    {{"gcc", ESPALIER_TEST_GCC, "-O2", Machine::kNative}, "c99", "portable"},
    {{"clang", ESPALIER_TEST_CLANG, "-O2", Machine::kNative}, "c99", "portable"},
    {{"gcc_fused", ESPALIER_TEST_GCC, "-O3 -mfma -std=gnu99", Machine::kNative}, "c99", "portable"},
    {{"gcc_unoptimised", ESPALIER_TEST_GCC, "-O0", Machine::kNative}, "c99", "portable"},
    {{"gcc_plain", ESPALIER_TEST_GCC, "-O2 -DESPALIER_PLAIN_C", Machine::kNative}, "c99", "portable"},
    {{"clang_plain", ESPALIER_TEST_CLANG, "-O2 -DESPALIER_PLAIN_C", Machine::kNative}, "c99", "portable"},
    {{"aarch64_gcc", ESPALIER_TEST_AARCH64_GCC, "-O2", Machine::kAArch64}, "aarch64-linux", "neon"},
    {{"aarch64_gcc", ESPALIER_TEST_AARCH64_GCC, "-O2", Machine::kAArch64}, "c99", "portable"},
    // A machine with fused multiply-add and a compiler that likes to use it.
    {{"aarch64_gcc_gnu99", ESPALIER_TEST_AARCH64_GCC, "-O3 -std=gnu99", Machine::kAArch64}, "c99", "portable"},
    {{"aarch64_gcc_gnu99_plain", ESPALIER_TEST_AARCH64_GCC, "-O2 -std=gnu99 -DESPALIER_PLAIN_C", Machine::kAArch64},
     "c99",
     "portable"},
    // Without a C library, clang may make memset of stores of zero only where it has an instruction for it.
    {{"wasm_clang", ESPALIER_TEST_CLANG, "--target=wasm32 -O2 -msimd128 -mbulk-memory", Machine::kWasm},
     "wasm32",
     "simd128"},
    {{"wasm_clang", ESPALIER_TEST_CLANG, "--target=wasm32 -O2 -msimd128 -mrelaxed-simd -mbulk-memory", Machine::kWasm},
     "wasm32",
     "relaxed"},
    {{"wasm_clang", ESPALIER_TEST_CLANG, "--target=wasm32 -O2 -msimd128 -mbulk-memory", Machine::kWasm},
     "c99",
     "portable"},
};

bool ends_with(std::string_view text, std::string_view end) { return text.ends_with(end); }

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string failure(const std::string& command, const CommandResult& result) {
  return fmt::format("{}\nexited with {}:\n{}", command, result.status, result.output);
}

std::string run_or_explain(const std::string& command, const TemporaryFolder& folder) {
  const CommandResult result = run_command_in(folder, command);
  return result.status == 0 ? "" : failure(command, result);
}

/// The command that runs what a toolchain makes for WebAssembly, if this machine has one.
const std::optional<std::string>& node_for(const Toolchain& t) {
  static const std::optional<std::string> simd = node_with("simd128"), relaxed = node_with("relaxed-simd");
  return t.flags.find("-mrelaxed-simd") == t.flags.npos ? simd : relaxed;
}

std::string link_command(const Toolchain& t) {
  if (t.machine == Machine::kWasm)
    return fmt::format("{} --no-entry --export-memory *.o -o kernel.wasm", ESPALIER_TEST_WASM_LD);
  return fmt::format("{} *.o {} -lm -o kernel", t.compiler, t.machine == Machine::kAArch64 ? "-static" : "");
}

std::string run_command_line(const Toolchain& t, uint32_t pixels, size_t x_count, size_t y_count) {
  if (t.machine == Machine::kWasm) return fmt::format("{} kernel.js {}", node_for(t).value_or("node"), pixels);
  const std::string emulator = t.machine == Machine::kAArch64 ? ESPALIER_TEST_QEMU_AARCH64 " " : "";
  return fmt::format("{}./kernel {} {} {}", emulator, pixels, x_count, y_count);
}

}  // namespace

std::span<const DialectCase> dialect_cases() { return kDialects; }

std::string dialect_case_name(const testing::TestParamInfo<DialectCase>& info) {
  return fmt::format("{}_{}", info.param.cpu, info.param.toolchain.name);
}

void write_files(const std::vector<OutputFile>& files, const TemporaryFolder& folder) {
  for (const OutputFile& file : files) folder.write(file.name, file.contents);
}

std::string why_not_compiled(const Toolchain& t) {
  if (t.compiler.empty()) return fmt::format("this machine has no compiler for {}", t.name);
  return "";
}

std::string why_not_run(const Toolchain& t, const Target& target) {
  if (t.machine == Machine::kAArch64)
    return std::string_view(ESPALIER_TEST_QEMU_AARCH64).empty() ? "this machine has no qemu-aarch64" : "";
  if (t.machine == Machine::kWasm) {
    if (std::string_view(ESPALIER_TEST_WASM_LD).empty()) return "this machine has no wasm-ld";
    return node_for(t) ? "" : fmt::format("this machine has no node with {} SIMD", target.vector->name);
  }
  if (t.machine == Machine::kEmulatedAvx512) return "";
  const uint64_t fused = t.flags.find("-mfma") == t.flags.npos ? 0 : ESPALIER_CPU_FMA;
  const uint64_t missing = (target.vector->features | fused) & ~host_cpu_features();
  return missing ? fmt::format("this machine's CPU cannot run {}", target.vector->name) : "";
}

std::string compile(const Toolchain& t, const std::vector<OutputFile>& files, const TemporaryFolder& folder) {
  write_files(files, folder);
  write_files({*kernel_abi_header()}, folder);
  for (const OutputFile& file : files) {
    if (!ends_with(file.name, ".c") && !ends_with(file.name, ".S")) continue;
    const std::string_view strict = ends_with(file.name, ".c") ? kStrict : "";
    // The flags come last: one toolchain asks for another standard.
    const std::string why = run_or_explain(
        fmt::format("{} {} {} -I. -c {} -o {}.o", t.compiler, strict, t.flags, file.name, file.name), folder);
    if (!why.empty()) return why;
  }
  return "";
}

std::string link(const Toolchain& t, const KernelProgram& program, const TemporaryFolder& folder) {
  folder.write("main.c", std::string(t.machine == Machine::kWasm ? kWasmMain : kNativeMain));
  folder.write("kernel.js", std::string(kNodeMain));
  const std::string compile_main =
      fmt::format("{} {} -DKERNEL={} -I. -c main.c -o main.o", t.compiler, t.flags, program.name);
  std::string why = run_or_explain(compile_main, folder);
  return why.empty() ? run_or_explain(link_command(t), folder) : why;
}

std::string run(const Toolchain& t, const TemporaryFolder& folder, const std::vector<float>& x, std::vector<float>& y,
                uint32_t pixels) {
  folder.write("x.bin", bytes_of(x));
  folder.write("y.bin", bytes_of(y));
  if (std::string why = run_or_explain(run_command_line(t, pixels, x.size(), y.size()), folder); !why.empty())
    return why;
  const std::string bytes = folder.read("y.bin");
  if (bytes.size() != y.size() * sizeof(float)) return "y.bin came back with another size";
  std::memcpy(y.data(), bytes.data(), bytes.size());
  return "";
}

}  // namespace espalier::test
