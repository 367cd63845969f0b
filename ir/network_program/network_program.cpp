#include "ir/network_program/network_program.h"

#include <map>
#include <set>
#include <tuple>

#include "espalier/kernel_abi.h"
#include "ir/half_vectors.h"

namespace espalier {
namespace {

struct Operand {
  std::string_view name;
  NetworkPlace place;
  uint64_t elements;
  bool is_written;
};

std::vector<Operand> operands_of(const NetworkProgram& program, const NetworkStep& step) {
  if (step.is_kernel) {
    const KernelProgram& k = *program.kernels[step.program];
    return {
        {"x", step.x0, espalier_buffer_elements(k.input_channels, k.pixels, k.input_stride, k.input_panel), false},
        {"y", step.y, espalier_buffer_elements(k.output_channels, k.pixels, k.output_stride, k.output_panel), true}};
  }
  const LoopProgram& loop = program.loops[step.program];
  const NetworkPlace weights{PlaceSpace::kConstants, 0, step.weights};
  return {{"x0", step.x0, loop.elements[0], false},
          {"x1", step.x1, loop.elements[1], false},
          {"y", step.y, loop.elements[2], true},
          {"weights", weights, loop.elements[3], false}};
}

class Verifier {
 public:
  explicit Verifier(const NetworkProgram& program) : program_(program) {}

  Status run() {
    for (const KernelProgram* kernel : program_.kernels)
      if (Status s = check_program(*kernel); !s) return s;
    for (const LoopProgram& loop : program_.loops)
      if (Status s = check_program(loop); !s) return s;
    for (size_t i = 0; i < program_.steps.size(); ++i)
      if (Status s = check_step(program_.steps[i]); !s)
        return std::move(s).error().in(fmt::format("step {} '{}'", i, program_.steps[i].name));
    for (const auto& [part, done] : done_)
      if (done != 0) return internal_error("a program ends after {} items", done);
    return {};
  }

 private:
  template <typename Program>
  Status check_program(const Program& program) {
    if (!is_c_identifier(program.name) || !names_.insert(program.name).second)
      return internal_error("program name '{}' is no C identifier, or there twice", program.name);
    if (program.target.name != program_.target.name || !includes(*program_.target.vector, *program.target.vector))
      return internal_error("program {} is for {}, but the network for {}", program.name, program.target.name,
                            program_.target.name);
    if (Status s = espalier::verify(program); !s) return std::move(s).error().in(program.name);
    return {};
  }

  uint64_t size_of(const NetworkPlace& place) const {
    switch (place.space) {
      case PlaceSpace::kInput:
        return place.number < program_.inputs.size() ? program_.inputs[place.number].shape.elements() : 0;
      case PlaceSpace::kOutput:
        return place.number < program_.outputs.size() ? program_.outputs[place.number].shape.elements() : 0;
      case PlaceSpace::kConstants:
        return program_.constants.size();
      case PlaceSpace::kWorkspace:
        break;
    }
    return program_.arena_elements;
  }

  Status check_step(const NetworkStep& step) {
    const size_t programs = step.is_kernel ? program_.kernels.size() : program_.loops.size();
    if (step.program >= programs) return internal_error("has program {}, but there are {}", step.program, programs);
    if (step.layer >= program_.layers.size())
      return internal_error("has layer {}, but there are {}", step.layer, program_.layers.size());
    if (step.is_kernel && program_.kernels[step.program]->pixels == 0)
      return internal_error("its kernel leaves the pixel count open");
    if (!step.is_kernel && program_.loops[step.program].elements[4] > program_.scratch_elements)
      return internal_error("needs {} elements of scratch, but there are {}", program_.loops[step.program].elements[4],
                            program_.scratch_elements);
    if (Status s = check_items(step); !s) return s;
    const auto operands = operands_of(program_, step);
    for (const Operand& operand : operands)
      if (Status s = check_operand(operand); !s) return s;
    return check_overlap(step, operands);
  }

  Status check_items(const NetworkStep& step) {
    const uint32_t all = program_.all_items(step);
    const size_t groups = step.is_kernel ? program_.kernels[step.program]->groups.size() : 1;
    uint32_t& done = done_[{step.is_kernel, step.program, step.y.space, step.y.number, step.y.offset}];
    if (step.first != done || step.items > all - done)
      return internal_error("runs {} items from {} on, but {} of {} are done", step.items, step.first, done, all);
    if (groups > 1 && (step.first % groups != 0 || step.items % groups != 0))
      return internal_error("runs {} items from {} on, but there are {} row groups", step.items, step.first, groups);
    done = done + step.items == all ? 0 : done + step.items;
    return {};
  }

  Status check_operand(const Operand& operand) const {
    if (operand.elements == 0) return {};
    const uint64_t size = size_of(operand.place), last = operand.place.offset + operand.elements;
    if (last > size) return internal_error("{} ends at element {}, but its space has {}", operand.name, last, size);
    if (operand.is_written && operand.place.space != PlaceSpace::kWorkspace &&
        operand.place.space != PlaceSpace::kOutput)
      return internal_error("writes to a space that is only read");
    return {};
  }

  /// The output may lie on no input, but on x0 exactly where the program is in_place.
  Status check_overlap(const NetworkStep& step, const std::vector<Operand>& operands) const {
    const bool in_place = !step.is_kernel && program_.loops[step.program].in_place;
    const Operand* y = nullptr;
    for (const Operand& operand : operands)
      if (operand.is_written) y = &operand;
    for (const Operand& x : operands) {
      if (&x == y || x.elements == 0 || x.place.space != y->place.space || x.place.number != y->place.number) continue;
      const bool apart =
          x.place.offset + x.elements <= y->place.offset || y->place.offset + y->elements <= x.place.offset;
      if (!apart && !(in_place && &x == operands.data() && x.place == y->place))
        return internal_error("{} at {} overlaps its result at {}", x.name, x.place.offset, y->place.offset);
    }
    return {};
  }

  const NetworkProgram& program_;
  std::set<std::string> names_;
  /// How many items of a program with one result are done.
  std::map<std::tuple<bool, uint32_t, PlaceSpace, uint32_t, uint64_t>, uint32_t> done_;
};

/// The spaces of one run.
class Interpreter {
 public:
  Interpreter(const NetworkProgram& program, std::span<const std::vector<float>> inputs)
      : program_(program), inputs_(inputs), workspace_(program.arena_elements) {
    for (const NetworkValue& output : program.outputs) outputs_.emplace_back(output.shape.elements());
  }

  std::vector<std::vector<float>> run() {
    for (const NetworkStep& step : program_.steps) {
      if (step.is_kernel) {
        const KernelProgram& kernel = *program_.kernels[step.program];
        const size_t groups = kernel.groups.size();
        if (groups == 0) continue;
        const auto first = static_cast<uint32_t>(step.first / groups),
                   tiles = static_cast<uint32_t>(step.items / groups);
        interpret_tiles(kernel, source(step.x0), target(step.y), first, tiles);
      } else {
        const LoopProgram& loop = program_.loops[step.program];
        const LoopArguments arguments{source(step.x0), source(step.x1), target(step.y),
                                      std::span(program_.constants).subspan(step.weights)};
        espalier::interpret(loop, arguments, step.first, step.first + step.items);
      }
    }
    return std::move(outputs_);
  }

 private:
  std::span<const float> source(const NetworkPlace& place) {
    if (place.space == PlaceSpace::kInput) return std::span(inputs_[place.number]).subspan(place.offset);
    if (place.space == PlaceSpace::kConstants) return std::span(program_.constants).subspan(place.offset);
    return target(place);
  }
  std::span<float> target(const NetworkPlace& place) {
    if (place.space == PlaceSpace::kOutput) return std::span(outputs_[place.number]).subspan(place.offset);
    return std::span(workspace_).subspan(place.offset);
  }

  const NetworkProgram& program_;
  std::span<const std::vector<float>> inputs_;
  std::vector<float> workspace_;
  std::vector<std::vector<float>> outputs_;
};

}  // namespace

uint32_t NetworkProgram::all_items(const NetworkStep& step) const {
  if (step.is_kernel) return static_cast<uint32_t>(kernels[step.program]->tiles(kernels[step.program]->pixels));
  return loops[step.program].items;
}

uint64_t NetworkProgram::weight_bytes() const {
  uint64_t bytes = constants.size() * sizeof(float);
  for (const KernelProgram* kernel : kernels) bytes += kernel->weight_bytes();
  for (const LoopProgram& loop : loops) bytes += loop.table.size() * sizeof(int32_t);
  return bytes;
}

Status verify(const NetworkProgram& program) { return Verifier(program).run(); }

std::vector<std::vector<float>> interpret(const NetworkProgram& program, std::span<const std::vector<float>> inputs) {
  return Interpreter(program, inputs).run();
}

}  // namespace espalier
