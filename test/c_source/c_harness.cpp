#include "c_harness.h"

#include <cstring>
#include <optional>

#include "backends/text_template.h"
#include "gtest/gtest.h"
#include "test/support/command.h"

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

/// Node's flag for relaxed SIMD, which is younger than SIMD: none, one, or no value if this Node lacks it. A module of
/// one relaxed instruction tells.
std::optional<std::string> relaxed_simd_flag() {
  static const std::optional<std::string> flag = [] {
    const std::string_view test =
        "process.exit(WebAssembly.validate(new "
        "Uint8Array([0,97,115,109,1,0,0,0,1,8,1,96,3,123,123,123,1,123,3,2,1,0,10,13,"
        "1,11,0,32,0,32,1,32,2,253,133,2,11])) ? 0 : 1)";
    for (const std::string candidate : {"", "--experimental-wasm-relaxed-simd"})
      if (run_command(fmt::format("{} {} -e '{}'", ESPALIER_TEST_NODE, candidate, test)).status == 0)
        return std::optional(candidate);
    return std::optional<std::string>();
  }();
  return flag;
}

std::string link_command(const Toolchain& t) {
  if (t.machine == Machine::kWasm)
    return fmt::format("{} --no-entry --export-memory *.o -o kernel.wasm", ESPALIER_TEST_WASM_LD);
  return fmt::format("{} *.o {} -lm -o kernel", t.compiler, t.machine == Machine::kAArch64 ? "-static" : "");
}

std::string run_command_line(const Toolchain& t, uint32_t pixels, size_t x_count, size_t y_count) {
  if (t.machine == Machine::kWasm)
    return fmt::format("{} {} kernel.js {}", ESPALIER_TEST_NODE, relaxed_simd_flag().value_or(""), pixels);
  const std::string emulator = t.machine == Machine::kAArch64 ? ESPALIER_TEST_QEMU_AARCH64 " " : "";
  return fmt::format("{}./kernel {} {} {}", emulator, pixels, x_count, y_count);
}

}  // namespace

void write_files(const std::vector<OutputFile>& files, const TemporaryFolder& folder) {
  for (const OutputFile& file : files) folder.write(file.name, file.contents);
}

std::string why_not_compiled(const Toolchain& t) {
  if (t.compiler.empty()) return fmt::format("this machine has no compiler for {}", t.name);
  return "";
}

std::string why_not_run(const Toolchain& t, const KernelProgram& program) {
  if (t.machine == Machine::kAArch64)
    return std::string_view(ESPALIER_TEST_QEMU_AARCH64).empty() ? "this machine has no qemu-aarch64" : "";
  if (t.machine == Machine::kWasm) {
    if (std::string_view(ESPALIER_TEST_WASM_LD).empty()) return "this machine has no wasm-ld";
    if (std::string_view(ESPALIER_TEST_NODE).empty()) return "this machine has no node";
    if (program.target.vector->name == "relaxed" && !relaxed_simd_flag()) return "this node has no relaxed SIMD";
    return "";
  }
  if (t.machine == Machine::kEmulatedAvx512) return "";
  const uint64_t missing = program.target.vector->features & ~host_cpu_features();
  return missing ? fmt::format("this machine's CPU cannot run {}", program.target.vector->name) : "";
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
