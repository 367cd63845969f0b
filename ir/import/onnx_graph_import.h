// The work of parse_onnx_network: a graph while it becomes a Network, and one node of it.
#pragma once

#include <memory>
#include <optional>

#include "ir/import/onnx_model.h"
#include "ir/network/network.h"

namespace espalier {

/// What a name stands for: a constant, or a tensor of the network with the dimensions that the file gives it. ONNX's
/// [n, c, h, w] is the network's n x h x w x c; [n, c, w] is n x 1 x w x c, [n, c] is n x 1 x 1 x c, [c] is 1 x 1 x 1 x
/// c.
struct OnnxOperand {
  std::vector<int64_t> dims;
  std::shared_ptr<const OnnxTensor> constant;
  TensorId id = 0;
  bool is_channels_last = false;  ///< dims are [n, h, w, c]: transposed, or about to be

  bool is_constant() const { return constant != nullptr; }
};

/// The network's shape of dimensions. Errors: kUnsupported above four, kLimit.
Result<Shape> shape_of_dims(std::span<const int64_t> dims);
/// Which axis of the network a dimension is. Errors (kBadInput): none of the rank's.
Result<Axis> axis_of_dim(int64_t dimension, size_t rank);

class OnnxGraphImport {
 public:
  explicit OnnxGraphImport(const OnnxModel& model);
  Result<Network> run();

  const OnnxModel& model() const { return model_; }
  Network& network() { return network_; }
  Result<OnnxOperand> operand(const std::string& name) const;
  /// Before so many elements of constants are made or copied: a file may name one a thousand times, or have nodes of 30
  /// bytes make 65,536 numbers. Errors: kLimit, in proportion to what the file holds.
  Status spend(uint64_t elements);
  /// The operand as a tensor of the network; constants are added as such.
  Result<TensorId> tensor(const OnnxOperand& operand, const std::string& name);
  Status bind(const std::string& name, OnnxOperand operand);
  /// Whether every reader of a name is a node of this kind, and there is one, and the graph does not give it out.
  bool is_read_only_by_transposes(const std::string& name) const;

 private:
  Status take_inputs();
  Status take_node(size_t index);
  Status take_outputs();
  Status check_dims(const std::string& name, const std::vector<int64_t>& dims) const;

  const OnnxModel& model_;
  Network network_;
  uint64_t left_ = 0;  ///< elements that may still be made
  std::map<std::string, OnnxOperand, std::less<>> values_;
};

/// One node at work: what its reader sees.
class OnnxNodeImport {
 public:
  OnnxNodeImport(OnnxGraphImport& graph, const OnnxNode& node, std::string name)
      : graph_(graph), node_(node), name_(std::move(name)) {}

  OnnxGraphImport& graph() { return graph_; }
  const OnnxNode& node() const { return node_; }
  int64_t opset() const { return graph_.model().opset; }
  bool has_input(size_t i) const { return node_.has_input(i); }

  Result<OnnxOperand> operand(size_t i) const;
  /// An input that must be an image or vector of the network, not channels-last.
  Result<OnnxOperand> image(size_t i) const;
  Result<TensorId> tensor(size_t i);
  Result<std::vector<float>> floats(size_t i);
  Result<std::vector<int64_t>> integers(size_t i);

  int64_t integer(std::string_view attribute, int64_t fallback) const;
  float number(std::string_view attribute, float fallback) const;
  std::string text(std::string_view attribute, std::string_view fallback) const;
  std::vector<int64_t> list(std::string_view attribute) const;
  bool has(std::string_view attribute) const { return node_.attributes.contains(attribute); }

  /// Appends a layer whose result is the node's output, with dimensions of this rank.
  Status emit(Operation operation, std::vector<TensorId> inputs, size_t rank, const Activation& activation = {});
  /// Appends a layer whose result only this node sees.
  Result<TensorId> emit_inner(std::string_view suffix, Operation operation, std::vector<TensorId> inputs);
  /// The output is `id`, which has these dimensions; elements are taken in ONNX's order where its shape differs.
  Status emit_reshape(TensorId id, const std::vector<int64_t>& dims);
  Status bind(OnnxOperand operand);
  Status bind_constant(OnnxTensor tensor);

 private:
  OnnxGraphImport& graph_;
  const OnnxNode& node_;
  std::string name_;
};

struct OnnxOperatorRow {
  std::string_view op;
  size_t least_inputs, most_inputs;  ///< optional ones counted
  Status (*take)(OnnxNodeImport& node);
};
std::span<const OnnxOperatorRow> onnx_window_operators();   // onnx_import_windows.cpp
std::span<const OnnxOperatorRow> onnx_element_operators();  // onnx_import_elements.cpp
std::span<const OnnxOperatorRow> onnx_shape_operators();    // onnx_import_shapes.cpp

}  // namespace espalier
