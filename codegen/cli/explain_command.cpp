#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <map>
#include <memory>
#include <optional>

#include "backends/jit/jit_library.h"
#include "backends/mc/code_price.h"
#include "codegen/cli/arguments.h"
#include "codegen/cli/commands.h"
#include "codegen/cli/progress.h"
#include "codegen/cost/cpu_costs.h"
#include "codegen/input_loads.h"
#include "codegen/measure/measure_kernel.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace espalier::cli {
namespace {

struct ExplainArguments {
  InputArguments input;
  TargetArguments target;
  std::string json;
  bool measure = false;
};

/// What is said of one kernel.
struct Explanation {
  const CompiledKernel* kernel = nullptr;
  Candidate chosen = {};
  std::vector<Candidate> others;  ///< the best of every other form, best first
  double sharing_before = 1, sharing_after = 1, microseconds_per_cycle = 0;
  std::vector<TileRows> parts;  ///< of the schedule, and the rest
  std::vector<Cost> part_costs;
  std::optional<CodePrice> price;  ///< by LLVM's scheduling model of the CPU
  std::optional<KernelMeasurement> measured;

  double microseconds(const Cost& cost) const { return cost.cycles() * microseconds_per_cycle; }
  double share_of_fma() const { return chosen.cost.fma / chosen.cost.cycles(); }
  const Target& target() const { return kernel->program->target; }
  Cost priced_cost() const { return priced_by_llvm(chosen.cost, target(), price->cycles_per_multiply_add()); }
  double floor() const { return 1 / cpu_costs(target().cpu->name).fmas; }  ///< cycles per multiply-add
};

/// Why the compiler took this one.
std::string reason(const Explanation& e) {
  const std::string_view form = form_name(e.chosen.schedule);
  if (e.others.empty()) return fmt::format("{} was asked for", form);
  const double ratio = e.others[0].cost.cycles() / e.chosen.cost.cycles();
  const std::string_view next = form_name(e.others[0].schedule);
  if (ratio >= 1) return fmt::format("{} is predicted to be {:.0f} % faster than {}", form, 100 * (ratio - 1), next);
  return fmt::format("{} would be {:.0f} % faster, but its code does not fit the budget", next, 100 * (1 / ratio - 1));
}

Result<Explanation> explain(const CompiledKernel& kernel, const Target& target, const Schedule& wish) {
  const KernelSpec& spec = kernel.input.spec;
  const KernelProgram& program = *kernel.program;
  auto ranked = rank_schedules(spec, target, wish);
  if (!ranked) return std::move(ranked).error();
  Explanation e;
  e.kernel = &kernel;
  e.microseconds_per_cycle = 1e-3 / cpu_costs(target.cpu->name).ghz;
  e.parts = count_parts(spec.matrix, program.channel_order(), program.schedule);
  e.sharing_before = nonzeros_per_input_load(spec.matrix, {}, rows_that_share(program.schedule));
  e.sharing_after = nonzeros_per_input_load(e.parts);
  e.chosen = {program.schedule, predict(spec, target, program.schedule, e.parts)};
  for (size_t i = 0; i < e.parts.size(); ++i)
    e.part_costs.push_back(predict(spec, target, schedule_of_part(program.schedule, i), e.parts[i]));
  const auto price = price_inner_code(kernel.code, target);
  if (!price) return price.error();
  e.price = *price;
  std::map<std::string_view, bool> seen = {{form_name(program.schedule), true}};
  for (const Candidate& c : *ranked)
    if (!std::exchange(seen[form_name(c.schedule)], true)) e.others.push_back(c);
  return e;
}

std::string layout(uint32_t stride, uint32_t panel) {
  return panel ? fmt::format("panels of {}", panel) : fmt::format("CHW, stride {}", stride);
}

void print_costs(const Explanation& e) {
  const Cost& c = e.chosen.cost;
  const double all = c.cycles();
  fmt::print("  predicted  {:.1f} us on {}, {:.0f} % of it multiply-adds; bound by {}\n", e.microseconds(e.chosen.cost),
             e.kernel->program->target.cpu->name, 100 * e.share_of_fma(), c.bound_by());
  fmt::print(
      "             share of the time: fma {:.0f} %, chain {:.0f} %, loads {:.0f} %, issue {:.0f} %, fetch {:.0f} % "
      "(the largest counts), traffic {:.0f} %, loop exits {:.0f} %\n",
      100 * c.fma / all, 100 * c.chain / all, 100 * c.loads / all, 100 * c.issue / all, 100 * c.fetch / all,
      100 * c.traffic / all, 100 * c.exits / all);
}

/// What each part of a mixture does.
void print_parts(const Explanation& e) {
  if (e.parts.size() == 1) return;
  for (size_t i = 0; i < e.parts.size(); ++i)
    fmt::print("  part       {}: {:.0f} rows, {:.0f} non-zeros, {:.1f} us, {:.2f} non-zeros per input load\n",
               form_name(schedule_of_part(e.chosen.schedule, i)), e.parts[i].rows, e.parts[i].nonzeros,
               e.microseconds(e.part_costs[i]), e.parts[i].sharing);
}

void print_text(const Explanation& e) {
  const KernelProgram& p = *e.kernel->program;
  const KernelSpec& spec = e.kernel->input.spec;
  const double nonzeros = std::max(1.0, static_cast<double>(p.nonzeros));
  fmt::print("{}: {}x{}, {} pixels, {} non-zeros ({:.1f} % zeros), {}\n", p.name, p.output_channels, p.input_channels,
             spec.max_pixels(), p.nonzeros, 100 * spec.matrix.sparsity(), e.kernel->input.source);
  fmt::print("  form       {}; {}\n", to_string(p.schedule), reason(e));
  fmt::print("  layout     input {}, output {}\n", layout(p.input_stride, p.input_panel),
             layout(p.output_stride, p.output_panel));
  if (e.kernel->input.spec.output_order == OutputOrder::kClustered)
    fmt::print("  rows of Y  {}\n", p.output_order.empty() ? "in the natural order" : "in the order of the clusters");
  print_parts(e);
  print_costs(e);
  if (e.price)
    fmt::print(
        "  priced     {:.1f} us with {:.2f} cycles per multiply-add in the inner code (floor {:.2f}), as LLVM's model "
        "of {} has it\n",
        e.microseconds(e.priced_cost()), e.price->cycles_per_multiply_add(), e.floor(), e.target().cpu->llvm_name);
  if (e.measured)
    fmt::print(
        "  measured   {:.1f} us, {:.1f} GFLOP/s, {:.0f} % of the bound of {:.1f} (FMA {:.1f}, streaming {:.1f})\n",
        1e6 * e.measured->seconds.median, e.measured->gflops(), 100 * e.measured->share_of_bound(),
        e.measured->bound_gflops(), e.measured->fma_peak_gflops(), e.measured->stream_gflops());
  fmt::print("  size       code {} bytes, weights {} bytes, {:.1f} bytes per non-zero\n", e.kernel->code_bytes(),
             e.kernel->weight_bytes(),
             static_cast<double>(e.kernel->code_bytes() + e.kernel->weight_bytes()) / nonzeros);
  fmt::print("  sharing    {:.2f} non-zeros per input load, {:.2f} in the matrix's own order of rows\n",
             e.sharing_after, e.sharing_before);
  for (const Candidate& c : e.others)
    fmt::print("  instead    {}: {:.1f} us, {:.1f} bytes per non-zero, bound by {}\n", to_string(c.schedule),
               e.microseconds(c.cost), (c.cost.code_bytes + c.cost.weight_bytes) / nonzeros, c.cost.bound_by());
}

llvm::json::Object json_of(const Explanation& e, const Candidate& c) {
  return llvm::json::Object{{"schedule", to_string(c.schedule)},
                            {"form", std::string(form_name(c.schedule))},
                            {"predicted_microseconds", e.microseconds(c.cost)},
                            {"bound_by", std::string(c.cost.bound_by())},
                            {"cycles", llvm::json::Object{{"fma", c.cost.fma},
                                                          {"chain", c.cost.chain},
                                                          {"loads", c.cost.loads},
                                                          {"issue", c.cost.issue},
                                                          {"fetch", c.cost.fetch},
                                                          {"traffic", c.cost.traffic},
                                                          {"exits", c.cost.exits},
                                                          {"all", c.cost.cycles()}}},
                            {"predicted_code_bytes", c.cost.code_bytes},
                            {"predicted_weight_bytes", c.cost.weight_bytes}};
}

llvm::json::Array json_of_parts(const Explanation& e) {
  llvm::json::Array parts;
  for (size_t i = 0; i < e.parts.size(); ++i) {
    const Schedule own = schedule_of_part(e.chosen.schedule, i);
    parts.push_back(llvm::json::Object{{"form", std::string(form_name(own))},
                                       {"rows", static_cast<int64_t>(e.parts[i].rows)},
                                       {"nonzeros", static_cast<int64_t>(e.parts[i].nonzeros)},
                                       {"nonzeros_per_input_load", e.parts[i].sharing},
                                       {"share_in_blocks", e.parts[i].nonzeros_in_blocks},
                                       {"predicted_microseconds", e.microseconds(e.part_costs[i])}});
  }
  return parts;
}

llvm::json::Object json_of(const Explanation& e) {
  const KernelProgram& p = *e.kernel->program;
  llvm::json::Array others;
  for (const Candidate& c : e.others) others.push_back(json_of(e, c));
  llvm::json::Object object{
      {"kernel", p.name},
      {"output_channels", p.output_channels},
      {"input_channels", p.input_channels},
      {"pixels", e.kernel->input.spec.max_pixels()},
      {"nonzeros", static_cast<int64_t>(p.nonzeros)},
      {"input_panel", p.input_panel},
      {"output_panel", p.output_panel},
      {"reason", reason(e)},
      {"chosen", json_of(e, e.chosen)},
      {"parts", json_of_parts(e)},
      {"others", std::move(others)},
      {"output_order", p.output_order.empty() ? llvm::json::Value(nullptr) : llvm::json::Value(p.output_order)},
      {"code_bytes", static_cast<int64_t>(e.kernel->code_bytes())},
      {"weight_bytes", static_cast<int64_t>(e.kernel->weight_bytes())},
      {"nonzeros_per_input_load", e.sharing_after},
      {"nonzeros_per_input_load_unclustered", e.sharing_before}};
  if (e.price)
    object["priced"] =
        llvm::json::Object{{"model", std::string(e.target().cpu->llvm_name)},
                           {"microseconds", e.microseconds(e.priced_cost())},
                           {"cycles_per_multiply_add", e.price->cycles_per_multiply_add()},
                           {"instructions_per_multiply_add", e.price->instructions / e.price->multiply_adds},
                           {"least_cycles_per_multiply_add", e.floor()}};
  if (e.measured)
    object["measured"] = llvm::json::Object{{"microseconds", 1e6 * e.measured->seconds.median},
                                            {"gflops", e.measured->gflops()},
                                            {"bound_gflops", e.measured->bound_gflops()},
                                            {"share_of_bound", e.measured->share_of_bound()}};
  return object;
}

Status write_json(const std::string& path, const std::vector<Explanation>& all) {
  llvm::json::Array kernels;
  for (const Explanation& e : all) kernels.push_back(json_of(e));
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv(
      "{0:2}", llvm::json::Value(llvm::json::Object{{"kernels", std::move(kernels)}}));
  std::ofstream out(path, std::ios::binary);
  out << text << "\n";
  out.close();
  if (!out) return system_error("cannot write {}", path);
  return {};
}

Status measure(std::vector<Explanation>& all, const std::vector<CompiledKernel>& compiled, const Target& target) {
  std::vector<KernelCode> codes;
  for (const CompiledKernel& k : compiled) codes.push_back(k.code);
  const auto library = JitLibrary::load(codes, target);
  if (!library) return library.error();
  for (Explanation& e : all) {
    if (interrupted()) return system_error("interrupted");
    const auto kernel = (*library)->kernel(e.kernel->program->name);
    if (!kernel) return kernel.error();
    const auto m = measure_kernel(*kernel, e.kernel->input.spec.max_pixels());
    if (!m) return m.error();
    e.measured = *m;
  }
  return {};
}

Result<Outcome> explain_all(const ExplainArguments& a) {
  const auto target = a.target.resolve();
  if (!target) return target.error();
  auto kernels = make_kernels(a.input, *target);
  if (!kernels) return std::move(kernels).error();
  const auto options = a.target.library_options(*kernels, *target);
  if (!options) return options.error();
  const auto compiled = compile_library(*std::move(kernels), *target, *options);
  if (!compiled) return compiled.error();
  std::vector<Explanation> all;
  for (const CompiledKernel& kernel : *compiled) {
    auto e = explain(kernel, *target, options->schedule);
    if (!e) return std::move(e).error();
    all.push_back(*std::move(e));
  }
  if (a.measure)
    if (Status s = measure(all, *compiled, *target); !s) return std::move(s).error();
  for (const Explanation& e : all) print_text(e);
  if (!a.json.empty())
    if (Status s = write_json(a.json, all); !s) return std::move(s).error();
  return Outcome::kDone;
}

}  // namespace

Command add_explain_command(CLI::App& app) {
  auto a = std::make_shared<ExplainArguments>();
  a->input.add_to(app);
  a->target.add_to(app);
  app.add_flag("--measure", a->measure, "run every kernel on this core, too");
  app.add_option("--json", a->json, "also write all of it there as JSON");
  return [a] { return explain_all(*a); };
}

}  // namespace espalier::cli
