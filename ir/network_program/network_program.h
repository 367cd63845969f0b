// NetworkProgram: a whole network as it is emitted: steps over kernel programs and loop programs, in one memory plan.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/error.h"
#include "ir/kernel_program.h"
#include "ir/loop/loop_program.h"
#include "ir/network/shape.h"

namespace espalier {

/// Where a step finds an operand; the numbers are those of runtime/include/espalier/network_abi.h.
enum class PlaceSpace : uint8_t { kWorkspace, kInput, kOutput, kConstants };
struct NetworkPlace {
  PlaceSpace space = PlaceSpace::kWorkspace;
  uint32_t number = 0;  ///< of the input or output
  uint64_t offset = 0;  ///< elements

  bool operator==(const NetworkPlace&) const = default;
};

/// A call of a kernel or of a loop program, or of a part of it.
struct NetworkStep {
  std::string name;  ///< of the network's layer
  uint32_t layer = 0;
  bool is_kernel = false;
  uint32_t program = 0;  ///< into NetworkProgram::kernels or loops
  NetworkPlace x0, x1, y;
  uint32_t first = 0, items = 0;  ///< which items: of a kernel its tiles (KernelProgram::tiles), in whole row groups
  uint64_t weights = 0;           ///< of a loop program: elements into constants
  uint64_t multiply_adds = 0;
};

struct NetworkValue {
  std::string name;
  Shape shape;
};

struct NetworkProgram {
  std::string name;
  Target target;
  std::vector<const KernelProgram*> kernels;  ///< owned by whoever compiled them; names differ
  std::vector<LoopProgram> loops;             ///< names differ, from kernels' too
  std::vector<float> constants;  ///< weights of loop programs and constant tensors; parts begin at multiples of 16
  std::vector<NetworkStep> steps;
  std::vector<std::string> layers;  ///< names, by NetworkStep::layer
  std::vector<NetworkValue> inputs, outputs;
  uint64_t arena_elements = 0;         ///< a multiple of 16
  uint64_t scratch_elements = 0;       ///< per thread; a multiple of 16
  uint64_t largest_live_elements = 0;  ///< of tensors alive at one step: no plan has a smaller arena

  /// All items of a step's program.
  uint32_t all_items(const NetworkStep& step) const;
  uint64_t weight_bytes() const;  ///< of kernels and constants
};

/// Checks that every step's operands lie inside their spaces, that parts of a program follow one another to its end,
/// that programs are for the target and verify, that names are different C identifiers. Errors: kInternal, naming the
/// step.
Status verify(const NetworkProgram& program);

/// Runs it in plain C++, bit for bit what emitted code computes. Inputs and outputs in NHWC order.
std::vector<std::vector<float>> interpret(const NetworkProgram& program, std::span<const std::vector<float>> inputs);

}  // namespace espalier
