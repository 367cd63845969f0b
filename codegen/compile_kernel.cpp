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

constexpr Pass kDecisions[] = {{"choose_schedule", choose_schedule}, {"order_rows", order_rows}};
constexpr Pass kUnrolled[] = {{"plan_pixel_tiles", plan_pixel_tiles},
                              {"plan_chunks", plan_chunks},
                              {"build_stream", build_stream},
                              {"lower_unrolled", lower_unrolled},
                              {"lower_tail", lower_tail}};
constexpr Pass kRolled[] = {{"plan_pixel_tiles", plan_pixel_tiles},
                            {"plan_rolled_chunks", plan_rolled_chunks},
                            {"find_patterns", find_patterns},
                            {"build_rolled_streams", build_rolled_streams},
                            {"lower_rolled", lower_rolled}};
constexpr Pass kDense[] = {{"plan_pixel_tiles", plan_pixel_tiles},
                           {"plan_rolled_chunks", plan_rolled_chunks},
                           {"build_rolled_streams", build_rolled_streams},
                           {"lower_dense", lower_dense}};
constexpr Pass kProof[] = {{"verify", verify_program}};

std::span<const Pass> passes_of(CodeForm form) {
  if (form == CodeForm::kUnrolled) return kUnrolled;
  return form == CodeForm::kDense ? std::span<const Pass>(kDense) : kRolled;
}

void begin_part(KernelPlan& plan, const PlanPart& part) {
  plan.schedule = part.schedule;
  plan.first_row = part.first_row;
  plan.end_row = part.end_row;
  plan.first_chunk = static_cast<uint32_t>(plan.program.chunks.size());
  plan.shapes.clear();
  plan.tail_shapes.clear();
  plan.chunks.clear();
  plan.patterns.clear();
}

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
  p.input_panel = plan.spec.input_panel;
  p.output_panel = plan.spec.output_panel;
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

Status run_passes(std::span<const Pass> passes, KernelPlan& plan, const CompileOptions& options) {
  for (const Pass& pass : passes) {
    if (Status s = run_pass(pass, plan, options); !s) return s;
  }
  return {};
}

}  // namespace

Result<KernelProgram> compile_kernel(const KernelSpec& spec, const Target& target, const CompileOptions& options) {
  Result<KernelSpec> checked = validated(spec);
  if (!checked) return std::move(checked).error();
  KernelPlan plan{*checked, target, options.max_bytes};
  plan.schedule = options.schedule;
  fill_program_header(plan);
  if (Status s = run_passes(kDecisions, plan, options); !s) return std::move(s).error();
  for (const PlanPart& part : plan.parts) {
    begin_part(plan, part);
    if (Status s = run_passes(passes_of(part.schedule.form), plan, options); !s) return std::move(s).error();
  }
  if (options.verify)
    if (Status s = run_passes(kProof, plan, options); !s) return std::move(s).error();
  return std::move(plan.program);
}

}  // namespace espalier
