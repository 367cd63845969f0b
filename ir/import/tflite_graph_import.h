// The work of parse_tflite_network: a graph while it becomes a Network, and one operator of it.
#pragma once

#include <map>
#include <optional>

#include "ir/import/tflite_tensor.h"
#include "ir/network/network.h"

namespace espalier {

/// A constant in the file's own dimensions.
struct TfliteConstant {
  std::vector<uint64_t> shape;
  std::vector<float> values;  ///< dense, row-major
};

/// The shape that a tensor of up to four dimensions has in a Network (see Shape). Errors: kUnsupported for more,
/// kLimit for sizes beyond a Shape's.
Result<Shape> logical_shape(std::span<const uint64_t> sizes);

/// Which axis of a Network a dimension of the file is. Errors (kBadInput): no such dimension; negative ones count from
/// the end.
Result<Axis> logical_axis(int64_t dimension, size_t rank);

class TfliteGraphImport {
 public:
  TfliteGraphImport(const TfliteModel& model, const TfliteGraph& graph, uint64_t file_bytes);

  /// The whole graph. Errors have no file name yet.
  Result<Network> run();

  const TfliteModel& model() const { return model_; }
  const TfliteGraph& graph() const { return graph_; }
  Network& network() { return network_; }

  Result<const TfliteTensor*> tensor(int32_t index) const;
  Result<std::vector<uint64_t>> sizes(int32_t index) const;
  bool is_constant(int32_t index) const;
  bool is_graph_output(int32_t index) const;

  /// The network's tensor for one of the file's: an input, a layer's output, or a constant.
  Result<TensorId> value(int32_t index);
  Result<TfliteConstant> constant(int32_t index);
  Result<std::vector<int64_t>> integers(int32_t index) const;

  /// Makes `id` the value of the file's tensor, which must have its shape.
  Status bind(int32_t index, TensorId id);
  Status bind_constant(int32_t index, TfliteConstant constant);

 private:
  Status take_inputs();
  Status take_operator(size_t index);
  Status take_outputs();
  Status check_float(int32_t index) const;
  Status check_unbound(int32_t index) const;
  Status check_sizes(int32_t index, const Shape& made) const;

  const TfliteModel& model_;
  const TfliteGraph& graph_;
  DecodeBudget budget_;
  Network network_;
  std::map<int32_t, TensorId> ids_;
  std::map<int32_t, TfliteConstant> made_constants_;  ///< by operators on constants, such as TRANSPOSE
};

/// One operator at work: what its reader sees.
class TfliteOperatorImport {
 public:
  TfliteOperatorImport(TfliteGraphImport& graph, const TfliteOperator& op, std::string name)
      : graph_(graph), op_(op), name_(std::move(name)) {}

  TfliteGraphImport& graph() { return graph_; }
  const FlatTable& options() const { return op_.options; }
  const std::string& name() const { return name_; }
  size_t input_count() const { return op_.inputs.size(); }
  bool has_input(size_t i) const { return op_.input(i) >= 0; }
  bool is_constant(size_t i) const { return graph_.is_constant(op_.input(i)); }
  int32_t input_index(size_t i) const { return op_.input(i); }
  int32_t output_index() const { return op_.output(0); }

  Result<TensorId> value(size_t i) { return graph_.value(op_.input(i)); }
  Result<TfliteConstant> constant(size_t i) { return graph_.constant(op_.input(i)); }
  Result<std::vector<int64_t>> integers(size_t i) const { return graph_.integers(op_.input(i)); }
  Result<std::vector<uint64_t>> sizes(size_t i) const { return graph_.sizes(op_.input(i)); }
  const Shape& shape_of(TensorId id) { return graph_.network().shape_of(id); }

  /// An option that must lie in [least, most].
  Result<uint32_t> option(unsigned field, int32_t fallback, uint32_t least, uint32_t most, std::string_view what) const;
  Result<Activation> fused_activation(unsigned field) const;
  /// The padding that options of windows name, resolved for an input; `window` has everything else.
  Result<Padding> padding(const Window& window, const Shape& input) const;

  /// Appends a layer whose result is the operator's output. An activation that the layer cannot take becomes a layer of
  /// its own behind it.
  Status emit(Operation operation, std::vector<TensorId> inputs, const Activation& activation = {});
  /// Appends a layer whose result only this operator sees, named with a suffix.
  Result<TensorId> emit_inner(std::string_view suffix, Operation operation, std::vector<TensorId> inputs,
                              const Activation& activation = {});
  /// The operator changes nothing but the shape. No layer where not even that, unless the graph gives the result out
  /// under its own name.
  Status emit_reshape(std::span<const uint64_t> sizes);

 private:
  TfliteGraphImport& graph_;
  const TfliteOperator& op_;
  std::string name_;
};

/// A builtin operator that is supported.
struct TfliteOperatorRow {
  int32_t code;
  size_t least_inputs, most_inputs;  ///< optional ones counted; 0 most: any number
  Status (*take)(TfliteOperatorImport& op);
};

std::span<const TfliteOperatorRow> tflite_weight_operators();       // tflite_import_weights.cpp
std::span<const TfliteOperatorRow> tflite_window_operators();       // tflite_import_windows.cpp
std::span<const TfliteOperatorRow> tflite_elementwise_operators();  // tflite_import_elementwise.cpp
std::span<const TfliteOperatorRow> tflite_shape_operators();        // tflite_import_shapes.cpp

}  // namespace espalier
