#include "codegen/compile_kernel.h"

#include <chrono>

#include "codegen/kernel_plan.h"
#include "codegen/plan_text.h"

namespace espalier {
namespace {

struct Pass {
  std::string_view name;
  Status (*run)(KernelPlan&);
};

Status verify_program(KernelPlan& plan) { return verify(plan.program); }

constexpr Pass kPasses[] = {
    {"choose_schedule", choose_schedule}, {"plan_pixel_tiles", plan_pixel_tiles}, {"plan_chunks", plan_chunks},
    {"build_stream", build_stream},       {"lower_unrolled", lower_unrolled},     {"verify", verify_program},
};

void fill_program_header(KernelPlan& plan) {
  KernelProgram& p = plan.program;
  p.name = plan.spec.name;
  p.target = plan.target;
  p.output_channels = plan.spec.matrix.rows();
  p.input_channels = plan.spec.matrix.columns();
  p.nonzeros = plan.spec.matrix.nonzeros();
  p.pixels = plan.spec.pixels.value_or(0);
  p.input_stride = plan.spec.input_stride;
  p.output_stride = plan.spec.output_stride;
}

Status run_pass(const Pass& pass, KernelPlan& plan, const CompileOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  Status status = pass.run(plan);
  const std::chrono::duration<double> elapsed = Clock::now() - start;
  if (status && options.observer)
    options.observer(pass.name, elapsed.count(), options.dump ? describe(plan) : std::string());
  return status;
}

}  // namespace

Result<KernelProgram> compile_kernel(const KernelSpec& spec, const Target& target, const CompileOptions& options) {
  Result<KernelSpec> checked = validated(spec);
  if (!checked) return std::move(checked).error();
  KernelPlan plan{*checked, target, options.schedule, {}, {}, {}};
  fill_program_header(plan);
  for (const Pass& pass : kPasses) {
    if (pass.run == verify_program && !options.verify) continue;
    if (Status s = run_pass(pass, plan, options); !s) return std::move(s).error();
  }
  return std::move(plan.program);
}

}  // namespace espalier
