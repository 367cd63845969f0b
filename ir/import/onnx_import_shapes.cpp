// Operators that move elements, or compute shapes.
#include <algorithm>

#include "ir/import/onnx_graph_import.h"

namespace espalier {
namespace {

/// Whole numbers that shapes' arithmetic may make at a time.
constexpr uint64_t kMostNumbers = 1 << 16;

OnnxTensor whole_numbers(std::vector<int64_t> values) {
  OnnxTensor t;
  t.dims = {static_cast<int64_t>(values.size())};
  t.is_integer = true;
  t.integers = std::move(values);
  return t;
}

Status take_identity(OnnxNodeImport& node) {
  const auto x = node.operand(0);
  if (!x) return x.error();
  if (x->is_constant() || x->is_channels_last) return node.bind(*x);
  return node.emit_reshape(x->id, x->dims);
}

Status take_dropout(OnnxNodeImport& node) {
  if (!node.has_input(2)) return take_identity(node);
  const auto training = node.integers(2);
  if (!training) return training.error();
  if (std::ranges::any_of(*training, [](int64_t is_on) { return is_on != 0; }))
    return unsupported("drops elements at random (training_mode); export the model for inference");
  return take_identity(node);
}

Status take_constant(OnnxNodeImport& node) {
  const auto& attributes = node.node().attributes;
  if (const auto found = attributes.find("value"); found != attributes.end() && found->second.tensor)
    return node.bind_constant(*found->second.tensor);
  OnnxTensor t;
  if (node.has("value_float")) {
    t.floats = {node.number("value_float", 0)};
  } else if (node.has("value_int")) {
    t.is_integer = true;
    t.integers = {node.integer("value_int", 0)};
  } else if (node.has("value_ints")) {
    t = whole_numbers(node.list("value_ints"));
  } else if (const auto found = attributes.find("value_floats"); found != attributes.end()) {
    t.floats = found->second.numbers;
    t.dims = {static_cast<int64_t>(t.floats.size())};
  } else {
    return unsupported("has no value of floats or whole numbers");
  }
  return node.bind_constant(std::move(t));
}

Status take_shape(OnnxNodeImport& node) {
  const auto x = node.operand(0);
  if (!x) return x.error();
  if (node.has("start") || node.has("end")) return unsupported("takes a part of the shape (start, end); use Slice");
  return node.bind_constant(whole_numbers(x->dims));
}

Status take_cast(OnnxNodeImport& node) {
  constexpr int64_t kFloat = 1;
  const auto x = node.operand(0);
  if (!x) return x.error();
  const bool to_float = node.integer("to", 0) == kFloat;
  if (!x->is_constant()) {
    if (!to_float) return unsupported("makes other types than fp32 of a tensor");
    return node.emit_reshape(x->id, x->dims);
  }
  OnnxTensor t = *x->constant;
  if (to_float && t.is_integer) {
    t.floats.assign(t.integers.begin(), t.integers.end());
    t.integers.clear();
  } else if (!to_float && !t.is_integer) {
    for (const float v : t.floats) {
      if (!(v > -1e15f && v < 1e15f)) return bad_input("makes a whole number of {}", v);
      t.integers.push_back(static_cast<int64_t>(v));
    }
    t.floats.clear();
  }
  t.is_integer = !to_float;
  return node.bind_constant(std::move(t));
}

Status take_gather(OnnxNodeImport& node) {
  const auto x = node.integers(0), places = node.integers(1);
  if (!x) return x.error();
  if (!places) return places.error();
  if (node.operand(0)->dims.size() > 1 || node.operand(1)->dims.size() > 1 || node.integer("axis", 0) > 0)
    return unsupported("gathers from other constants than lists of whole numbers");
  std::vector<int64_t> picked;
  for (int64_t place : *places) {
    if (place < 0) place += static_cast<int64_t>(x->size());
    if (place < 0 || place >= static_cast<int64_t>(x->size()))
      return bad_input("takes element {} of {}", place, x->size());
    picked.push_back((*x)[static_cast<size_t>(place)]);
  }
  OnnxTensor t = whole_numbers(std::move(picked));
  if (node.operand(1)->dims.empty()) t.dims.clear();
  return node.bind_constant(std::move(t));
}

/// Of a list of whole numbers.
Status take_slice(OnnxNodeImport& node) {
  const auto x = node.integers(0);
  if (!x) return x.error();
  const auto one = [&](size_t input, std::string_view attribute, int64_t fallback) -> Result<int64_t> {
    std::vector<int64_t> values = node.list(attribute);
    if (node.has_input(input)) {
      const auto given = node.integers(input);
      if (!given) return given.error();
      values = *given;
    }
    if (values.size() > 1) return unsupported("slices several dimensions");
    return values.empty() ? fallback : values[0];
  };
  const auto count = static_cast<int64_t>(x->size());
  const auto begin = one(1, "starts", 0), end = one(2, "ends", count), step = one(4, "steps", 1);
  for (const auto* value : {&begin, &end, &step})
    if (!*value) return value->error();
  const auto axis = one(3, "axes", 0);
  if (!axis) return axis.error();
  if (node.operand(0)->dims.size() > 1 || *axis > 0)
    return unsupported("slices other constants than lists of whole numbers");
  if (*step != 1) return unsupported("slices in steps of {}", *step);
  const auto place = [&](int64_t v) { return std::clamp<int64_t>(v < 0 ? v + count : v, 0, count); };
  std::vector<int64_t> picked;
  for (int64_t i = place(*begin); i < place(*end); ++i) picked.push_back((*x)[static_cast<size_t>(i)]);
  return node.bind_constant(whole_numbers(std::move(picked)));
}

Status take_constant_of_shape(OnnxNodeImport& node) {
  const auto sizes = node.integers(0);
  if (!sizes) return sizes.error();
  uint64_t count = 1;
  for (const int64_t size : *sizes) {
    if (size < 0 || (count *= static_cast<uint64_t>(size)) > kMostNumbers)
      return limit_exceeded("makes more than {} elements", kMostNumbers);
  }
  OnnxTensor t;
  const auto found = node.node().attributes.find("value");
  if (found != node.node().attributes.end() && found->second.tensor && found->second.tensor->elements() == 1)
    t = *found->second.tensor;
  else
    t.floats = {0};
  t.dims = *sizes;
  if (t.is_integer)
    t.integers.assign(count, t.integers[0]);
  else
    t.floats.assign(count, t.floats[0]);
  return node.bind_constant(std::move(t));
}

Status take_concat(OnnxNodeImport& node) {
  const size_t count = node.node().inputs.size();
  const auto first = node.image(0);
  if (!first) return first.error();
  bool are_numbers = true;
  for (size_t i = 0; i < count; ++i) {
    const auto x = node.operand(i);
    if (!x) return x.error();
    are_numbers = are_numbers && x->is_constant() && x->constant->is_integer;
  }
  if (are_numbers) {
    std::vector<int64_t> all;
    for (size_t i = 0; i < count; ++i) {
      const auto values = node.integers(i);
      if (!values) return values.error();
      if (node.operand(i)->dims.size() > 1) return unsupported("joins whole numbers of more than one dimension");
      all.insert(all.end(), values->begin(), values->end());
      if (all.size() > kMostNumbers) return limit_exceeded("makes more than {} elements", kMostNumbers);
    }
    return node.bind_constant(whole_numbers(std::move(all)));
  }
  const auto axis = axis_of_dim(node.integer("axis", 1), first->dims.size());
  if (!axis) return axis.error();
  std::vector<TensorId> parts;
  for (size_t i = 0; i < count; ++i) {
    const auto x = node.image(i);
    if (!x) return x.error();
    if (x->dims.size() != first->dims.size())
      return bad_input("joins tensors of {} and {} dimensions", first->dims.size(), x->dims.size());
    const auto id = node.tensor(i);
    if (!id) return id.error();
    parts.push_back(*id);
  }
  return node.emit(Concat{*axis}, std::move(parts), first->dims.size());
}

/// New dimensions for what a node reads; constants keep their data.
Status reshape_to(OnnxNodeImport& node, const std::vector<int64_t>& dims) {
  const auto x = node.image(0);
  if (!x) return x.error();
  if (!x->is_constant()) return node.emit_reshape(x->id, dims);
  OnnxTensor t = *x->constant;
  t.dims = dims;
  return node.bind_constant(std::move(t));
}

int64_t elements_of(std::span<const int64_t> dims) {
  int64_t count = 1;
  for (const int64_t size : dims) count *= size;
  return count;
}

Status take_reshape(OnnxNodeImport& node) {
  const auto x = node.image(0);
  if (!x) return x.error();
  auto wanted = node.has_input(1) ? node.integers(1) : Result(node.list("shape"));
  if (!wanted) return std::move(wanted).error();
  std::vector<int64_t> dims = *std::move(wanted);
  std::optional<size_t> open;
  int64_t known = 1;
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] == 0 && node.integer("allowzero", 0) == 0 && d < x->dims.size()) dims[d] = x->dims[d];
    if (dims[d] == -1 && !open) {
      open = d;
      continue;
    }
    if (dims[d] < 1 || dims[d] > int64_t{kMaxTensorElements} || (known *= dims[d]) > int64_t{kMaxTensorElements})
      return bad_input("has shape ({}), which is none", fmt::join(dims, ", "));
  }
  const int64_t count = elements_of(x->dims);
  if (open) dims[*open] = count / known;
  if (elements_of(dims) != count)
    return bad_input("makes shape ({}) of ({})", fmt::join(dims, ", "), fmt::join(x->dims, ", "));
  return reshape_to(node, dims);
}

Status take_flatten(OnnxNodeImport& node) {
  const auto x = node.image(0);
  if (!x) return x.error();
  int64_t axis = node.integer("axis", 1);
  if (axis < 0) axis += static_cast<int64_t>(x->dims.size());
  if (axis < 0 || axis > static_cast<int64_t>(x->dims.size()))
    return bad_input("has axis {}, but {} dimensions", axis, x->dims.size());
  const auto split = x->dims.begin() + axis;
  return reshape_to(node, {elements_of({x->dims.begin(), split}), elements_of({split, x->dims.end()})});
}

Result<std::vector<int64_t>> axes_of(OnnxNodeImport& node, size_t rank) {
  std::vector<int64_t> axes = node.list("axes");
  if (node.has_input(1)) {
    const auto given = node.integers(1);
    if (!given) return given.error();
    axes = *given;
  }
  for (int64_t& axis : axes) {
    if (axis < 0) axis += static_cast<int64_t>(rank);
    if (axis < 0 || axis >= static_cast<int64_t>(rank)) return bad_input("has axis {}, but {} dimensions", axis, rank);
  }
  std::ranges::sort(axes);
  return axes;
}

Status take_squeeze(OnnxNodeImport& node) {
  const auto x = node.image(0);
  if (!x) return x.error();
  const auto axes = axes_of(node, x->dims.size());
  if (!axes) return axes.error();
  std::vector<int64_t> dims;
  for (size_t d = 0; d < x->dims.size(); ++d) {
    const bool is_named = std::ranges::find(*axes, static_cast<int64_t>(d)) != axes->end();
    if (is_named && x->dims[d] != 1) return bad_input("drops dimension {} of size {}", d, x->dims[d]);
    if (!is_named && !(axes->empty() && x->dims[d] == 1)) dims.push_back(x->dims[d]);
  }
  return reshape_to(node, dims);
}

Status take_unsqueeze(OnnxNodeImport& node) {
  constexpr size_t kMostAxes = 8;
  const auto x = node.image(0);
  if (!x) return x.error();
  if (node.has_input(1))
    if (const auto axes = node.integers(1); !axes) return axes.error();
  const size_t added = node.has_input(1)
                           ? node.operand(1)->dims.empty() ? 1 : static_cast<size_t>(node.operand(1)->dims[0])
                           : node.list("axes").size();
  if (added > kMostAxes) return unsupported("adds {} dimensions, but at most {} are supported", added, kMostAxes);
  const auto axes = axes_of(node, x->dims.size() + added);
  if (!axes) return axes.error();
  std::vector<int64_t> dims = x->dims;
  for (const int64_t axis : *axes) {
    if (axis > static_cast<int64_t>(dims.size())) return bad_input("has axis {} twice", axis);
    dims.insert(dims.begin() + axis, 1);
  }
  return reshape_to(node, dims);
}

std::vector<float> transposed(const OnnxTensor& t, const std::vector<int64_t>& order,
                              const std::vector<int64_t>& dims) {
  std::vector<size_t> step(t.dims.size(), 1), index(dims.size());
  for (size_t d = t.dims.size(); d-- > 1;) step[d - 1] = step[d] * static_cast<size_t>(t.dims[d]);
  std::vector<float> values(t.floats.size());
  for (float& value : values) {
    size_t from = 0;
    for (size_t d = 0; d < dims.size(); ++d) from += index[d] * step[static_cast<size_t>(order[d])];
    value = t.floats[from];
    for (size_t d = dims.size(); d-- > 0 && ++index[d] == static_cast<size_t>(dims[d]);) index[d] = 0;
  }
  return values;
}

/// Constants are transposed. A tensor only where no element moves, or between [n, c, h, w] and [n, h, w, c], which is
/// how the network has images anyway.
Status take_transpose(OnnxNodeImport& node) {
  const auto x = node.operand(0);
  if (!x) return x.error();
  const size_t rank = x->dims.size();
  std::vector<int64_t> order = node.list("perm");
  if (order.empty())
    for (size_t d = rank; d-- > 0;) order.push_back(static_cast<int64_t>(d));
  std::vector<int64_t> sorted = order, dims;
  std::ranges::sort(sorted);
  for (size_t d = 0; d < sorted.size(); ++d)
    if (sorted.size() != rank || sorted[d] != static_cast<int64_t>(d))
      return bad_input("has perm ({}), which is no order of {} dimensions", fmt::join(order, ", "), rank);
  for (const int64_t d : order) dims.push_back(x->dims[static_cast<size_t>(d)]);
  if (x->is_constant()) {
    if (x->constant->is_integer) return unsupported("transposes whole numbers");
    OnnxTensor t;
    t.dims = dims;
    t.floats = transposed(*x->constant, order, dims);
    return node.bind_constant(std::move(t));
  }
  const std::vector<int64_t> to_last = {0, 2, 3, 1}, to_first = {0, 3, 1, 2};
  if (order == (x->is_channels_last ? to_first : to_last)) {
    OnnxOperand turned = *x;
    turned.dims = dims;
    turned.is_channels_last = !x->is_channels_last;
    return node.bind(std::move(turned));
  }
  std::vector<int64_t> moving;
  for (const int64_t d : order)
    if (x->dims[static_cast<size_t>(d)] != 1) moving.push_back(d);
  if (x->is_channels_last || !std::ranges::is_sorted(moving))
    return unsupported(
        "moves elements at run time (perm {}); constants, and images between channels first and last, may be "
        "transposed",
        fmt::join(order, ", "));
  return node.emit_reshape(x->id, dims);
}

constexpr OnnxOperatorRow kRows[] = {
    {"Identity", 1, 1, take_identity},   {"Dropout", 1, 3, take_dropout},
    {"Constant", 0, 0, take_constant},   {"Shape", 1, 1, take_shape},
    {"Cast", 1, 1, take_cast},           {"Gather", 2, 2, take_gather},
    {"Slice", 1, 5, take_slice},         {"ConstantOfShape", 1, 1, take_constant_of_shape},
    {"Concat", 1, 1024, take_concat},    {"Reshape", 1, 2, take_reshape},
    {"Flatten", 1, 1, take_flatten},     {"Squeeze", 1, 2, take_squeeze},
    {"Unsqueeze", 1, 2, take_unsqueeze}, {"Transpose", 1, 1, take_transpose},
};

}  // namespace

std::span<const OnnxOperatorRow> onnx_shape_operators() { return kRows; }

}  // namespace espalier
