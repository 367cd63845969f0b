#include "codegen/network/network_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "codegen/layers/layer_steps.h"
#include "codegen/layers/movement_layers.h"
#include "ir/half_vectors.h"
#include "ir/network/network_cost.h"

namespace espalier {
namespace {

uint32_t rounded_up(uint32_t value, uint32_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// The layout of tensors inside a network.
ActivationLayout inner_layout(const Shape& shape, const Target& target) {
  if (shape.pixels() == 1) return {LayoutKind::kInterleaved, 0, 0};
  const auto pixels = static_cast<uint32_t>(shape.pixels());
  return {LayoutKind::kChannelRows, recommended_stride(pixels, target.vector->lanes), 0};
}

/// The weights of a layer that is one matrix applied to every one of many pixels.
struct PointwiseLayer {
  uint32_t outputs = 0;
  const std::vector<float>*weights = nullptr, *bias = nullptr;
};

std::optional<PointwiseLayer> as_pointwise(const Network& network, const Layer& layer) {
  if (network.output_shape(layer).pixels() == 1) return {};
  if (const auto* f = layer.as<FullyConnected>()) return PointwiseLayer{f->output_features, &f->weights, &f->bias};
  const auto* c = layer.as<Convolution>();
  if (c == nullptr || !c->window.is_pointwise() || c->window.is_padded() || c->groups != 1) return {};
  if (c->window.stride_height != 1 || c->window.stride_width != 1) return {};
  return PointwiseLayer{c->output_channels, &c->weights, &c->bias};
}

/// A pointwise convolution of one pixel is a matrix product.
Layer as_matrix_product(const Network& network, const Layer& layer) {
  const auto* c = layer.as<Convolution>();
  if (c == nullptr || network.input_shape(layer).pixels() != 1 || !c->window.is_pointwise() || c->groups != 1 ||
      c->window.is_padded())
    return layer;
  Layer product = layer;
  product.operation = FullyConnected{c->output_channels, c->weights, c->bias};
  return product;
}

/// [W I]
Result<SparseMatrix> with_identity(const SparseMatrix& w) {
  std::vector<uint64_t> offsets{0};
  std::vector<uint32_t> columns;
  std::vector<float> values;
  for (uint32_t row = 0; row < w.rows(); ++row) {
    columns.insert(columns.end(), w.row_columns(row).begin(), w.row_columns(row).end());
    values.insert(values.end(), w.row_values(row).begin(), w.row_values(row).end());
    columns.push_back(w.columns() + row);
    values.push_back(1);
    offsets.push_back(values.size());
  }
  return SparseMatrix::from_csr(w.rows(), w.columns() + w.rows(), std::move(offsets), std::move(columns),
                                std::move(values));
}

/// Where a sum is left to a kernel: tensors that a pass of its own would fetch from beyond a core's caches, of few
/// enough rows that their lines, and the pages, of one tile stay at hand. Elsewhere the pass is faster: it reads memory
/// in order (Zen 3: joining gains 20 % of 32 x 9216, 17 % of 64 x 2304, and loses 10 % of 128 x 576).
constexpr uint64_t kLeastJoined = 64 * 1024;
constexpr uint32_t kMostJoinedRows = 64;
/// Weights of which more than this share are there may become a dense kernel, which would multiply by the zeros, too.
constexpr double kMostDense = 0.5;

constexpr uint64_t kNoPlace = UINT64_MAX;

class Planner {
 public:
  Planner(const Network& network, const Target& target, const std::string& name, StripPolicy strips)
      : network_(network), strips_(strips) {
    plan_.name = name;
    plan_.target = target;
    home_.resize(network.tensors.size());
  }

  Result<NetworkPlan> run() {
    if (Status s = check_batches(); !s) return std::move(s).error();
    add_inputs();
    for (layer_ = 0; layer_ < network_.layers.size(); ++layer_) {
      const Layer& layer = network_.layers[layer_];
      plan_.layers.push_back(layer.name);
      if (Status s = add_layer(layer); !s)
        return std::move(s).error().in(fmt::format("layer {} '{}'", layer_, layer.name));
    }
    if (Status s = add_outputs(); !s) return std::move(s).error();
    return std::move(plan_);
  }

 private:
  Status check_batches() const {
    for (const TensorId input : network_.inputs)
      if (network_.shape_of(input).n != 1)
        return unsupported(
            "input '{}' has a batch of {}; networks are compiled for a batch of 1: run it once per image",
            network_.tensors[input].name, network_.shape_of(input).n);
    return {};
  }

  uint32_t add_value(const LayerTensor& tensor, PlaceSpace space = PlaceSpace::kWorkspace, uint32_t number = 0,
                     uint64_t offset = 0) {
    plan_.values.push_back({tensor, space, number, offset});
    return static_cast<uint32_t>(plan_.values.size() - 1);
  }

  uint64_t add_constants(std::span<const float> values) {
    const uint64_t offset = plan_.constants.size();
    plan_.constants.insert(plan_.constants.end(), values.begin(), values.end());
    plan_.constants.resize((plan_.constants.size() + 15) / 16 * 16);
    return offset;
  }

  void add_inputs() {
    for (uint32_t i = 0; i < network_.inputs.size(); ++i) {
      const Tensor& tensor = network_.tensors[network_.inputs[i]];
      home_[network_.inputs[i]].push_back(add_value({tensor.shape, {}}, PlaceSpace::kInput, i));
      plan_.inputs.push_back({tensor.name, tensor.shape});
    }
  }

  /// The value of `tensor` as it is. Constants get a place only when a step reads them (placed).
  uint32_t value_of(TensorId tensor) {
    if (home_[tensor].empty()) {
      const Tensor& t = network_.tensors[tensor];
      home_[tensor].push_back(add_value({t.shape, {}, t.data}, PlaceSpace::kConstants, 0, kNoPlace));
    }
    return home_[tensor].front();
  }
  uint32_t placed(uint32_t value) {
    PlannedValue& v = plan_.values[value];
    if (v.space == PlaceSpace::kConstants && v.offset == kNoPlace) v.offset = add_constants(v.tensor.constant);
    return value;
  }

  /// The value of `tensor` in a layout; converted once.
  Result<uint32_t> value_in(TensorId tensor, const ActivationLayout& layout) {
    const uint32_t first = value_of(tensor);
    for (const uint32_t value : home_[tensor])
      if (plan_.values[value].tensor.layout == layout) return value;
    const uint32_t converted = add_value({network_.shape_of(tensor), layout});
    if (Status s = convert(first, converted); !s) return std::move(s).error();
    home_[tensor].push_back(converted);
    return converted;
  }

  Status convert(uint32_t from, uint32_t to) {
    placed(from);
    auto step = conversion_step(plan_.values[from].tensor, plan_.values[to].tensor, plan_.target, next_name());
    if (!step) return std::move(step).error();
    add_loop(*std::move(step), {from}, to);
    return {};
  }

  Status add_layer(const Layer& layer) {
    const Shape& shape = network_.output_shape(layer);
    const ActivationLayout layout = ends_in_output(layer) ? ActivationLayout{} : inner_layout(shape, plan_.target);
    if (layout.kind == LayoutKind::kInterleaved && keeps_order(layer)) {
      home_[layer.output] = home_[layer.inputs[0]];
      plan_.values[home_[layer.output].front()].tensor.shape = shape;
      return {};
    }
    if (waits_for_sum(layer)) {
      resizes_[layer.output] = &layer;
      return {};
    }
    const uint32_t output = add_value({shape, layout});
    home_[layer.output].push_back(output);
    if (const auto resize = resized_sum(layer)) return add_loops(*resize, output);
    const auto is_joined = join_sum(layer, output);
    if (!is_joined || *is_joined) return is_joined ? Status() : is_joined.error();
    if (const auto pointwise = as_pointwise(network_, layer)) return add_kernel(layer, *pointwise, output);
    return add_loops(as_matrix_product(network_, layer), output);
  }

  std::string next_name() { return fmt::format("{}_layer{}_{}", plan_.name, layer_, programs_++); }

  /// A kernel over whole vectors: the padding of the rows takes the place of a tail. Activations other than clamps
  /// follow in place.
  Status add_kernel(const Layer& layer, const PointwiseLayer& pointwise, uint32_t output) {
    const Shape shape = network_.input_shape(layer);
    const auto input = value_in(layer.inputs[0], inner_layout(shape, plan_.target));
    if (!input) return input.error();
    auto matrix = SparseMatrix::from_dense(pointwise.outputs, shape.c, *pointwise.weights);
    if (!matrix) return std::move(matrix).error();
    KernelSpec spec;
    spec.name = next_name();
    spec.matrix = *std::move(matrix);
    spec.bias = *pointwise.bias;
    if (layer.activation.kind == ActivationKind::kClamp) spec.clamp = layer.activation.clamp;
    spec.input_stride = plan_.values[*input].tensor.layout.stride;
    spec.output_stride = plan_.values[output].tensor.layout.stride;
    // Whole vectors need no tails; but a quarter of one takes less time where that is worth half.
    const uint32_t unit = plan_.target.vector->lanes / (splits_vectors(plan_.target) ? 4 : 1);
    spec.pixels = std::min(rounded_up(static_cast<uint32_t>(shape.pixels()), unit),
                           std::min(spec.input_stride, spec.output_stride));
    PlannedOperation operation;
    operation.name = layer.name;
    operation.layer = layer_;
    operation.is_kernel = true;
    operation.program = static_cast<uint32_t>(plan_.kernels.size());
    operation.x0 = *input;
    operation.y = output;
    operation.multiply_adds = cost_of(network_, layer).sparse_multiply_adds;
    plan_.kernels.push_back({std::move(spec), layer.name});
    plan_.operations.push_back(std::move(operation));
    if (layer.activation.is_none() || layer.activation.kind == ActivationKind::kClamp) return {};
    if (may_wait(layer.output)) {
      waiting_[layer.output] = layer.activation;
      return {};
    }
    return add_activation(layer, output);
  }

  /// The layer that alone reads a tensor, which is no output; else null.
  const Layer* only_reader(TensorId tensor) const {
    const Layer* reader = nullptr;
    for (const Layer& layer : network_.layers)
      for (const TensorId input : layer.inputs)
        if (input == tensor) {
          if (reader != nullptr) return nullptr;
          reader = &layer;
        }
    return std::ranges::find(network_.outputs, tensor) == network_.outputs.end() ? reader : nullptr;
  }

  /// Whether a layer only moves elements on their way to the caller, who wants NHWC: then it may as well write that.
  bool ends_in_output(const Layer& layer) const {
    if (!layer.as<Reshape>() && !layer.as<DepthToSpace>()) return false;
    const auto reads = [&](const Layer& l) { return std::ranges::find(l.inputs, layer.output) != l.inputs.end(); };
    const bool is_output = std::ranges::find(network_.outputs, layer.output) != network_.outputs.end();
    if (is_output) return std::ranges::none_of(network_.layers, reads);
    const Layer* reader = only_reader(layer.output);
    return reader != nullptr && reader->as<Reshape>() && ends_in_output(*reader);
  }

  /// Whether a layer only gives another shape to a tensor that lies as NHWC, and that nobody else reads or holds.
  bool keeps_order(const Layer& layer) const {
    const auto* reshape = layer.as<Reshape>();
    if (reshape == nullptr || reshape->channels_first || !layer.activation.is_none()) return false;
    const std::vector<uint32_t>& values = home_[layer.inputs[0]];
    if (values.size() != 1 || only_reader(layer.inputs[0]) == nullptr) return false;
    const PlannedValue& value = plan_.values[values.front()];
    return value.space == PlaceSpace::kWorkspace && value.tensor.layout.kind == LayoutKind::kInterleaved;
  }

  /// Whether a layer is a resize of which nothing but one sum wants anything: it can make that sum itself. The other
  /// summand must not wait, too.
  bool waits_for_sum(const Layer& layer) const {
    const Layer* reader = only_reader(layer.output);
    if (!layer.as<Resize>() || !layer.activation.is_none() || reader == nullptr || !is_sum(*reader)) return false;
    const TensorId other = reader->inputs[reader->inputs[0] == layer.output ? 1 : 0];
    const bool is_same = network_.shape_of(other) == network_.output_shape(layer);
    return is_same && !network_.tensors[other].is_constant() && !resizes_.contains(other);
  }

  /// A sum as the resize of one of its summands, with the other one as second input.
  std::optional<Layer> resized_sum(const Layer& layer) const {
    for (size_t i = 0; i < layer.inputs.size(); ++i)
      if (const auto found = resizes_.find(layer.inputs[i]); found != resizes_.end())
        return Layer{layer.name,
                     found->second->operation,
                     {found->second->inputs[0], layer.inputs[1 - i]},
                     layer.output,
                     layer.activation};
    return {};
  }

  static bool is_sum(const Layer& layer) {
    const auto* binary = layer.as<Binary>();
    return binary != nullptr && binary->kind == BinaryKind::kAdd;
  }

  /// Whether the activation of a tensor may be left to its only reader.
  bool may_wait(TensorId tensor) const {
    const Layer* reader = only_reader(tensor);
    return reader != nullptr && takes_input_activation(*reader, network_.shape_of(tensor));
  }

  /// A sum may become part of the kernel that makes one of its summands: the later one, where there are two.
  Result<bool> join_sum(const Layer& layer, uint32_t output) {
    if (!is_sum(layer)) return false;
    if (!layer.activation.is_none() && layer.activation.kind != ActivationKind::kClamp) return false;
    const TensorId a = layer.inputs[0], b = layer.inputs[1];
    const auto from_a = joinable_kernel(a, b), from_b = joinable_kernel(b, a);
    if (!from_a && !from_b) return false;
    const bool is_a = from_a > from_b;
    if (Status s = join_kernel(is_a ? *from_a : *from_b, layer, is_a ? b : a, output); !s) return std::move(s).error();
    return true;
  }

  /// The operation that makes `summand`, if its kernel may add `other`: nobody else wants the summand without it, and
  /// the kernel has many zeros anyway.
  std::optional<size_t> joinable_kernel(TensorId summand, TensorId other) const {
    const Shape& shape = network_.shape_of(summand);
    if (shape != network_.shape_of(other) || network_.tensors[other].is_constant()) return {};
    if (shape.elements() < kLeastJoined || shape.c > kMostJoinedRows) return {};
    if (only_reader(summand) == nullptr || home_[summand].size() != 1) return {};
    const auto made = std::ranges::find_if(plan_.operations, [&](const PlannedOperation& o) {
      return o.is_kernel && o.y == home_[summand].front() && !o.residual;
    });
    if (made == plan_.operations.end()) return {};
    const SparseMatrix& matrix = plan_.kernels[made->program].spec.matrix;
    const bool is_dense = static_cast<double>(matrix.nonzeros()) > kMostDense * matrix.rows() * matrix.columns();
    const Layer& maker = network_.layers[made->layer];
    if (is_dense || !maker.activation.is_none() || maker.inputs[0] == other || neighbours_.contains(made->x0))
      return {};
    if (std::ranges::any_of(home_[other], [&](uint32_t value) { return neighbours_.contains(value); })) return {};
    return static_cast<size_t>(made - plan_.operations.begin());
  }

  Status join_kernel(size_t at, const Layer& sum, TensorId other, uint32_t output) {
    const auto residual = value_in(other, inner_layout(network_.shape_of(other), plan_.target));
    if (!residual) return residual.error();
    PlannedOperation operation = std::move(plan_.operations[at]);
    plan_.operations.erase(plan_.operations.begin() + static_cast<std::ptrdiff_t>(at));
    KernelSpec& spec = plan_.kernels[operation.program].spec;
    auto matrix = with_identity(spec.matrix);
    if (!matrix) return std::move(matrix).error();
    spec.matrix = *std::move(matrix);
    if (!sum.activation.is_none()) spec.clamp = sum.activation.clamp;
    operation.y = output;
    operation.residual = *residual;
    neighbours_.insert({operation.x0, *residual});
    plan_.operations.push_back(std::move(operation));
    return {};
  }

  Status add_activation(const Layer& layer, uint32_t value) {
    Layer unary{layer.name, Unary{}, {}, 0, layer.activation};
    const LayerTensor tensor = plan_.values[value].tensor;
    auto steps = layer_steps(unary, std::span(&tensor, 1), tensor, plan_.target, next_name());
    if (!steps) return std::move(steps).error();
    for (LayerStep& step : *steps) add_loop(std::move(step), {value}, value);
    return {};
  }

  /// Inputs in the layouts they have; what the generator does not take is converted to rows.
  Status add_loops(const Layer& layer, uint32_t output) {
    std::vector<uint32_t> inputs;
    std::vector<LayerTensor> tensors;
    for (const TensorId tensor : layer.inputs) {
      const uint32_t value = value_of(tensor);
      const LayerTensor found = plan_.values[value].tensor;
      const bool is_taken = found.is_constant() || takes_layout(layer, found.shape, found.layout.kind);
      const auto taken = is_taken ? Result(value) : value_in(tensor, inner_layout(found.shape, plan_.target));
      if (!taken) return taken.error();
      inputs.push_back(*taken);
      tensors.push_back(plan_.values[*taken].tensor);
    }
    const auto waiting = waiting_.find(layer.inputs[0]);
    const Activation before = waiting == waiting_.end() ? Activation{} : waiting->second;
    const auto strips = strips_of(layer, inputs[0], output);
    auto steps = layer_steps(layer, tensors, plan_.values[output].tensor, plan_.target, next_name(), before,
                             strips ? strips->rows : 0);
    if (!steps) return std::move(steps).error();
    const uint64_t work = cost_of(network_, network_.layers[layer_]).sparse_multiply_adds;
    for (LayerStep& step : *steps) add_loop(std::move(step), inputs, output, work / steps->size());
    plan_.operations.back().strips = strips;
    return {};
  }

  /// The strips of a depthwise convolution that comes right behind the kernel that makes its input.
  std::optional<StripOrder> strips_of(const Layer& layer, uint32_t input, uint32_t output) const {
    const auto* c = layer.as<Convolution>();
    if (strips_ == StripPolicy::kNever || plan_.target.isa == Isa::kWasm || c == nullptr) return {};
    const Shape in = plan_.values[input].tensor.shape, out = plan_.values[output].tensor.shape;
    if (c->groups != in.c || c->groups == 1 || in.c != out.c || plan_.operations.empty()) return {};
    const PlannedOperation& before = plan_.operations.back();
    if (!before.is_kernel || before.y != input || out.w % plan_.target.vector->lanes != 0) return {};
    StripOrder order{
        1,  out.c, c->window.stride_height, c->window.padding.top, static_cast<uint32_t>(c->window.reach_height()),
        in, out};
    const uint64_t in_line = 4ull * in.w * in.c, out_line = 4ull * out.w * out.c;
    const auto bytes = [&](uint64_t rows) {
      return ((rows - 1) * order.stride + order.reach) * in_line + rows * out_line;
    };
    while (order.rows < out.h && bytes(order.rows + 1) <= plan_.target.cpu->l2 / 2) ++order.rows;
    if (strips_ == StripPolicy::kAlways) order.rows = std::min(order.rows, (out.h + 1) / 2);
    if (order.strips() < 2) return {};
    if (strips_ == StripPolicy::kAlways) return order;
    const bool is_far = in.h * in_line + out.h * out_line > plan_.target.cpu->last_level;
    // Rows that two strips stage are read twice.
    const bool is_high = order.rows * order.stride >= 2 * (order.reach - std::min(order.reach, order.stride));
    return is_far && is_high ? std::optional(order) : std::nullopt;
  }

  /// Equal programs are kept once, whatever their names and weights.
  uint32_t loop_number(LoopProgram program) {
    const auto same = std::ranges::find(plan_.loops, program);
    if (same != plan_.loops.end()) return static_cast<uint32_t>(same - plan_.loops.begin());
    plan_.loops.push_back(std::move(program));
    return static_cast<uint32_t>(plan_.loops.size() - 1);
  }

  void add_loop(LayerStep step, const std::vector<uint32_t>& inputs, uint32_t output, uint64_t multiply_adds = 0) {
    PlannedOperation operation;
    operation.name = layer_ < network_.layers.size() ? network_.layers[layer_].name : "outputs";
    operation.layer = layer_;
    const auto reads = [&](LoopBuffer buffer) { return step.program.elements[static_cast<size_t>(buffer)] != 0; };
    operation.x0 = reads(LoopBuffer::kX0) ? placed(inputs[step.x0]) : output;
    if (reads(LoopBuffer::kX1)) operation.x1 = placed(inputs[step.x1]);
    operation.y = output;
    operation.multiply_adds = multiply_adds;
    operation.weights = add_constants(step.weights);
    operation.program = loop_number(std::move(step.program));
    plan_.operations.push_back(std::move(operation));
  }

  /// Where an output's tensor lies in the workspace as NHWC and nobody else reads or holds it, its maker writes to the
  /// caller's buffer straight away; any other is converted (or copied) at the end.
  Status add_outputs() {
    const auto layers = static_cast<uint32_t>(network_.layers.size());
    for (uint32_t i = 0; i < network_.outputs.size(); ++i) {
      const TensorId tensor = network_.outputs[i];
      plan_.outputs.push_back({network_.tensors[tensor].name, network_.shape_of(tensor)});
      PlannedValue& value = plan_.values[value_of(tensor)];
      if (value.space == PlaceSpace::kWorkspace && value.tensor.layout.kind == LayoutKind::kInterleaved) {
        value.space = PlaceSpace::kOutput;
        value.number = i;
        continue;
      }
      if (plan_.layers.size() == layers) plan_.layers.push_back("outputs");
      layer_ = layers;
      const uint32_t result = add_value({network_.shape_of(tensor), {}}, PlaceSpace::kOutput, i);
      if (Status s = convert(value_of(tensor), result); !s)
        return std::move(s).error().in(fmt::format("output '{}'", network_.tensors[tensor].name));
    }
    return {};
  }

  const Network& network_;
  const StripPolicy strips_;
  NetworkPlan plan_;
  std::vector<std::vector<uint32_t>> home_;   ///< values of each tensor, its maker's first
  std::map<TensorId, Activation> waiting_;    ///< activations that the only reader applies
  std::map<TensorId, const Layer*> resizes_;  ///< whose only reader makes them
  std::set<uint32_t> neighbours_;             ///< values that stand behind or in front of others
  uint32_t layer_ = 0, programs_ = 0;
};

}  // namespace

uint32_t StripOrder::input_end(uint32_t strip) const {
  const int64_t end = (int64_t{output_end(strip)} - 1) * stride - top + reach;
  return static_cast<uint32_t>(std::clamp<int64_t>(end, 0, input.h));
}

Result<NetworkPlan> plan_network(const Network& network, const Target& target, const std::string& name,
                                 StripPolicy strips) {
  return Planner(network, target, name, strips).run();
}

}  // namespace espalier
