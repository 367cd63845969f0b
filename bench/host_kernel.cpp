#include "bench/host_kernel.h"

#include "backends/assemble.h"
#include "codegen/layout.h"
#include "codegen/measure/aligned_buffer.h"
#include "codegen/measure/timing.h"
#include "ir/reference_spmm.h"
#include "llvm/ADT/StringRef.h"

namespace espalier {
namespace {

double per_nonzero(uint64_t bytes, const KernelProgram& program) {
  return program.nonzeros ? static_cast<double>(bytes) / static_cast<double>(program.nonzeros) : 0;
}

}  // namespace

double HostKernel::code_bytes_per_nonzero() const { return per_nonzero(code_bytes, *program); }
double HostKernel::weight_bytes_per_nonzero() const {
  return per_nonzero(program->weight_bytes(), *program);
}

Result<HostKernel> compile_for_host(const KernelSpec& spec, const Target& target, const Schedule& schedule) {
  const double start = process_seconds();
  CompileOptions options;
  options.schedule = schedule;
  Result<KernelProgram> program = compile_kernel(spec, target, options);
  if (!program) return std::move(program).error();
  HostKernel host;
  host.program = std::make_unique<KernelProgram>(std::move(*program));
  Result<KernelCode> code = assemble(*host.program);
  if (!code) return std::move(code).error();
  auto library = JitLibrary::load({&*code, 1}, target);
  if (!library) return std::move(library).error();
  host.library = std::move(*library);
  auto kernel = host.library->kernel(spec.name);
  if (!kernel) return std::move(kernel).error();
  host.kernel = *kernel;
  host.compile_seconds = process_seconds() - start;
  host.code_bytes = code->code_bytes();
  return host;
}

Result<KernelSpec> in_layout(const KernelSpec& spec, const Target& target, const std::string& layout) {
  if (layout == "chw") return spec;
  uint32_t width = 0;
  if (layout == "panels") {
    const auto recommended = recommended_panel(spec, target);
    if (!recommended) return recommended.error();
    width = *recommended;
  } else if (llvm::StringRef(layout).getAsInteger(10, width) || width == 0) {
    return bad_input("--layout is '{}', but must be chw, panels, best or a number of pixels", layout);
  }
  KernelSpec panels = spec;
  panels.input_panel = panels.output_panel = panels.input_stride = panels.output_stride = width;
  return panels;
}

double error_of(const HostKernel& host, const KernelSpec& spec) {
  AlignedBuffer x(spec.input_elements());
  AlignedBuffer y(spec.output_elements());
  SeededRandom random(1);
  for (float& v : x.span()) v = random.weight();
  espalier_kernel_run(host.kernel, x.data(), y.data(), spec.max_pixels());
  return error_in_bounds(spec, x.span(), y.span(), spec.max_pixels());
}

}  // namespace espalier
