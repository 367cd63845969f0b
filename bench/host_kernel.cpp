#include "bench/host_kernel.h"

#include "backends/assemble.h"
#include "codegen/measure/aligned_buffer.h"
#include "codegen/measure/timing.h"
#include "ir/reference_spmm.h"

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

double error_of(const HostKernel& host, const KernelSpec& spec) {
  AlignedBuffer x(spec.input_elements());
  AlignedBuffer y(spec.output_elements());
  SeededRandom random(1);
  for (float& v : x.span()) v = random.weight();
  espalier_kernel_run(host.kernel, x.data(), y.data(), spec.max_pixels());
  return error_in_bounds(spec, x.span(), y.span(), spec.max_pixels());
}

}  // namespace espalier
