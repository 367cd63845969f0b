// A network as operations on laid-out values, before kernels are compiled and memory is planned.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "codegen/layers/layer_code.h"
#include "codegen/library/compile_library.h"
#include "ir/network_program/network_program.h"

namespace espalier {

/// A tensor in one layout, somewhere.
struct PlannedValue {
  LayerTensor tensor;
  PlaceSpace space = PlaceSpace::kWorkspace;
  uint32_t number = 0;  ///< of the network's input or output
  uint64_t offset = 0;  ///< elements; of a constant, into NetworkPlan::constants; of the workspace, not yet planned
};

/// A depthwise convolution in strips of output rows; the layers around it may follow strip by strip.
struct StripOrder {
  uint32_t rows = 0;      ///< output rows of a strip
  uint32_t channels = 0;  ///< items of a strip
  uint32_t stride = 1, top = 0, reach = 1;
  Shape input, output;

  uint32_t strips() const { return (output.h + rows - 1) / rows; }
  /// Output rows and input rows that are there, or needed, after `strip`.
  uint32_t output_end(uint32_t strip) const { return std::min(output.h, rows * (strip + 1)); }
  uint32_t input_end(uint32_t strip) const;
};

/// One step: a kernel or a loop program on values.
struct PlannedOperation {
  std::string name;
  uint32_t layer = 0;
  bool is_kernel = false;
  uint32_t program = 0;  ///< into NetworkPlan::kernels or loops
  uint32_t x0 = 0, y = 0;
  std::optional<uint32_t> x1;        ///< values
  std::optional<uint32_t> residual;  ///< of a kernel: a value that lies right behind x0, as more of its input channels
  uint64_t weights = 0;              ///< elements into NetworkPlan::constants
  uint64_t multiply_adds = 0;
  std::optional<StripOrder> strips;
};

/// Whether an expansion, a depthwise convolution and a projection run strip by strip, so that what one leaves in the
/// caches the next finds there.
enum class StripPolicy : uint8_t { kNever, kWhereItPays, kAlways };

struct NetworkPlan {
  std::string name;
  Target target;
  std::vector<PlannedValue> values;
  std::vector<PlannedOperation> operations;
  std::vector<LibraryKernel> kernels;
  std::vector<LoopProgram> loops;
  std::vector<float> constants;
  std::vector<std::string> layers;
  std::vector<NetworkValue> inputs, outputs;
};

/// Chooses layouts, turns every layer into operations, and adds conversions where a layout is not what a layer takes:
/// pointwise convolutions and matrix products on many pixels become kernels, everything else loop programs
/// (codegen/layers). A kernel takes over the sum that follows it, [W I] [X; R] = W X + R: the other summand's channels
/// join its input's, with weights of one. `network` has been simplified. Names of programs begin with `name`, a C
/// identifier. Strips pay where a depthwise convolution's input and output are more than the last level of caches; they
/// are as high as half of an L2 holds. Not for WebAssembly, whose kernels take whole images. Errors: kUnsupported,
/// naming the layer, for what no generator takes (a batch other than 1).
Result<NetworkPlan> plan_network(const Network& network, const Target& target, const std::string& name,
                                 StripPolicy strips = StripPolicy::kWhereItPays);

}  // namespace espalier
