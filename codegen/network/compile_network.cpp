#include "codegen/network/compile_network.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "codegen/network/memory_plan.h"

namespace espalier {
namespace {

constexpr uint32_t kNoBuffer = std::numeric_limits<uint32_t>::max();

/// Operations [first, last] that run strip by strip, around the depthwise convolution `middle`; or one alone.
struct OperationGroup {
  size_t first = 0, middle = 0, last = 0;
};

/// A kernel belongs to the first depthwise convolution that wants it.
std::vector<OperationGroup> groups_of(const std::vector<PlannedOperation>& operations) {
  std::vector<OperationGroup> groups;
  const auto follows = [&](size_t i, bool is_kernel) {
    return i + 1 < operations.size() && operations[i].is_kernel != is_kernel && operations[i].y == operations[i + 1].x0;
  };
  for (size_t i = 0; i < operations.size(); ++i) {
    OperationGroup group{i, i, i};
    if (operations[i].is_kernel && follows(i, false) && operations[i + 1].strips) group.middle = group.last = i + 1;
    if (operations[group.middle].strips && follows(group.middle, true) && operations[group.middle + 1].is_kernel)
      group.last = group.middle + 1;
    groups.push_back(group);
    i = group.last;
  }
  return groups;
}

/// Which values share a buffer (a result in place of an operand that dies), and when each buffer is alive.
class BufferPlan {
 public:
  explicit BufferPlan(const NetworkPlan& plan) : plan_(plan), buffer_(plan.values.size(), kNoBuffer) {
    for (const PlannedOperation& operation : plan.operations)
      if (operation.residual) neighbours_.insert({operation.x0, *operation.residual});
    for (const OperationGroup& group : groups_of(plan.operations)) group_.resize(group.last + 1, group);
    for (size_t i = 0; i < plan.operations.size(); ++i) {
      const PlannedOperation& operation = plan.operations[i];
      place_result(operation, i);
      use(operation.x0, i);
      if (operation.x1) use(*operation.x1, i);
      if (operation.residual) use(*operation.residual, i);
      use(operation.y, i);
      if (operation.residual) buffers_[buffer_[*operation.residual]].behind = buffer_[operation.x0];
    }
  }

  MemoryPlan memory() const { return plan_memory(buffers_); }
  /// The buffer of a value in the workspace.
  uint32_t buffer_of(uint32_t value) const { return buffer_[value]; }

 private:
  bool is_ours(uint32_t value) const { return plan_.values[value].space == PlaceSpace::kWorkspace; }

  bool is_read_after(uint32_t value, size_t step) const {
    for (size_t i = step + 1; i < plan_.operations.size(); ++i) {
      const PlannedOperation& later = plan_.operations[i];
      if (later.x0 == value || later.x1 == value || later.residual == value || later.y == value) return true;
    }
    return false;
  }

  bool may_take_place(const PlannedOperation& operation, size_t step) const {
    if (operation.is_kernel || !plan_.loops[operation.program].in_place) return false;
    if (group_[step].first != group_[step].last) return false;
    if (neighbours_.contains(operation.x0) || neighbours_.contains(operation.y)) return false;
    return is_ours(operation.x0) && buffer_[operation.x0] != kNoBuffer && operation.x1 != operation.x0 &&
           plan_.values[operation.x0].tensor.layout == plan_.values[operation.y].tensor.layout &&
           plan_.values[operation.x0].tensor.elements() == plan_.values[operation.y].tensor.elements() &&
           !is_read_after(operation.x0, step);
  }

  void place_result(const PlannedOperation& operation, size_t step) {
    const uint32_t y = operation.y;
    if (!is_ours(y) || buffer_[y] != kNoBuffer) return;
    if (may_take_place(operation, step)) {
      buffer_[y] = buffer_[operation.x0];
      return;
    }
    buffer_[y] = static_cast<uint32_t>(buffers_.size());
    buffers_.push_back({plan_.values[y].tensor.elements(), group_[step].first, group_[step].last});
  }

  void use(uint32_t value, size_t step) {
    if (is_ours(value) && buffer_[value] != kNoBuffer) buffers_[buffer_[value]].last = group_[step].last;
  }

  const NetworkPlan& plan_;
  std::vector<uint32_t> buffer_;
  std::vector<LiveBuffer> buffers_;
  std::vector<OperationGroup> group_;  ///< of each operation; its values are alive together
  std::set<uint32_t> neighbours_;      ///< values that stand behind or in front of others, in buffers of their own
};

/// Steps in the order in which they run: whole ones, or those of a group strip by strip.
class StripWriter {
 public:
  StripWriter(NetworkProgram& program, std::vector<NetworkStep>& steps)
      : program_(program), steps_(steps), done_(steps.size()) {}

  void write(const OperationGroup& group, const std::optional<StripOrder>& order) {
    const uint32_t strips = order ? order->strips() : 1;
    for (uint32_t strip = 0; strip + 1 < strips; ++strip) {
      if (group.first != group.middle)
        run_to(group.first, tiles(group.first, uint64_t{order->input_end(strip)} * order->input.w, true));
      run_to(group.middle, order->channels * (strip + 1));
      if (group.last != group.middle)
        run_to(group.last, tiles(group.last, uint64_t{order->output_end(strip)} * order->output.w, false));
    }
    for (size_t i = group.first; i <= group.last; ++i) run_to(i, steps_[i].items);
  }

 private:
  /// Tiles of a kernel that cover at least, or at most, so many pixels.
  uint32_t tiles(size_t step, uint64_t pixels, bool at_least) const {
    const KernelProgram& kernel = *program_.kernels[steps_[step].program];
    const uint64_t tile = kernel.pixel_tile(), runs = (pixels + (at_least ? tile - 1 : 0)) / tile;
    return static_cast<uint32_t>(std::min<uint64_t>(runs * kernel.groups.size(), steps_[step].items));
  }

  void run_to(size_t i, uint32_t end) {
    if (end <= done_[i] && steps_[i].items > 0) return;
    NetworkStep step = steps_[i];
    step.first = done_[i];
    step.items = end - done_[i];
    if (step.first > 0) step.multiply_adds = 0;  // told once
    done_[i] = end;
    program_.steps.push_back(std::move(step));
  }

  NetworkProgram& program_;
  std::vector<NetworkStep>& steps_;
  std::vector<uint32_t> done_;
};

NetworkProgram assembled(NetworkPlan plan, const std::vector<CompiledKernel>& kernels) {
  const BufferPlan buffers(plan);
  const MemoryPlan memory = buffers.memory();
  const auto place_of = [&](uint32_t v) {
    const PlannedValue& value = plan.values[v];
    const bool is_ours = value.space == PlaceSpace::kWorkspace;
    return NetworkPlace{value.space, value.number, is_ours ? memory.offsets[buffers.buffer_of(v)] : value.offset};
  };
  NetworkProgram program;
  for (const CompiledKernel& kernel : kernels) program.kernels.push_back(kernel.program.get());
  std::vector<NetworkStep> steps;
  for (const PlannedOperation& o : plan.operations) {
    NetworkStep& step = steps.emplace_back();
    step = {o.name, o.layer, o.is_kernel, o.program, place_of(o.x0), {}, place_of(o.y)};
    if (o.x1) step.x1 = place_of(*o.x1);
    step.weights = o.weights;
    step.multiply_adds = o.multiply_adds;
    step.items = o.is_kernel
                     ? static_cast<uint32_t>(program.kernels[o.program]->tiles(program.kernels[o.program]->pixels))
                     : plan.loops[o.program].items;
  }
  StripWriter writer(program, steps);
  for (const OperationGroup& group : groups_of(plan.operations))
    writer.write(group, plan.operations[group.middle].strips);
  for (const LoopProgram& loop : plan.loops)
    program.scratch_elements = std::max(program.scratch_elements, (loop.elements[4] + 15) / 16 * 16);
  program.name = std::move(plan.name);
  program.target = plan.target;
  program.loops = std::move(plan.loops);
  program.constants = std::move(plan.constants);
  program.layers = std::move(plan.layers);
  program.inputs = std::move(plan.inputs);
  program.outputs = std::move(plan.outputs);
  program.arena_elements = memory.arena_elements;
  program.largest_live_elements = memory.largest_live_elements;
  return program;
}

}  // namespace

Result<CompiledNetwork> compile_network(NetworkPlan plan, const LibraryOptions& options) {
  CompiledNetwork compiled;
  if (!plan.kernels.empty()) {
    auto kernels = compile_library(std::move(plan.kernels), plan.target, options);
    if (!kernels) return std::move(kernels).error();
    compiled.kernels = *std::move(kernels);
  }
  compiled.program = assembled(std::move(plan), compiled.kernels);
  if (Status s = verify(compiled.program); !s) return std::move(s).error();
  return compiled;
}

Result<CompiledNetwork> compile_network(const Network& network, const Target& target, const std::string& name,
                                        const LibraryOptions& options, StripPolicy strips) {
  auto plan = plan_network(network, target, name, strips);
  if (!plan) return std::move(plan).error();
  return compile_network(*std::move(plan), options);
}

std::vector<KernelCode> codes_of(const CompiledNetwork& network) {
  std::vector<KernelCode> codes;
  for (const CompiledKernel& kernel : network.kernels) codes.push_back(kernel.code);
  return codes;
}

}  // namespace espalier
