#include "ir/import/array_matrix.h"

#include <algorithm>
#include <memory>

#include "ir/matrix_transpose.h"

namespace espalier {
namespace {

constexpr std::string_view kWeightSuffixes[] = {"_kernel", "_weights", "_weight", ".weight", "/kernel", ".kernel"};
constexpr std::string_view kBiasSuffixes[] = {"_bias", ".bias", "/bias"};

const NpzMember* find_bias(std::span<const NpzMember> members, std::string_view name) {
  std::vector<std::string_view> stems{name};
  for (const std::string_view suffix : kWeightSuffixes)
    if (name.ends_with(suffix)) stems.push_back(name.substr(0, name.size() - suffix.size()));
  for (const std::string_view stem : stems)
    for (const NpzMember& member : members)
      for (const std::string_view suffix : kBiasSuffixes)
        if (member.array.shape.size() == 1 && member.name.size() == stem.size() + suffix.size() &&
            member.name.starts_with(stem) && member.name.ends_with(suffix))
          return &member;
  return nullptr;
}

/// How an array becomes W: its two dimensions that are not 1x1 space, and whether the first of them counts inputs.
struct MatrixView {
  uint64_t first = 0, second = 0;
  bool input_first = false;
  std::string_view kind;
};

MatrixView view_of(std::span<const uint64_t> shape) {
  if (shape.size() == 2) return {shape[0], shape[1], false, "matrix"};
  if (shape.size() != 4) return {};
  if (shape[0] == 1 && shape[1] == 1) return {shape[2], shape[3], true, "conv1x1"};
  if (shape[2] == 1 && shape[3] == 1) return {shape[0], shape[1], false, "conv1x1"};
  if (shape[1] == 1 && shape[2] == 1) return {shape[0], shape[3], false, "conv1x1"};
  return {0, 0, false, "conv"};
}

/// Arrays without elements cost a file nothing, but 8 bytes per row here; so they need a bound of their own.
Status check_empty_arrays(std::span<const NpzMember> members) {
  uint64_t total = 0;
  for (const NpzMember& member : members) {
    const MatrixView view = view_of(member.array.shape);
    if (view.first != 0 && view.second != 0) continue;
    const uint64_t size = std::max(view.first, view.second);
    total = size > kMaxDimension ? size : total + size;
    if (total > kMaxDimension)
      return limit_exceeded("{}: arrays without elements have {} rows or columns up to here, but at most {} are read",
                            printable(member.name), total, kMaxDimension);
  }
  return {};
}

Result<NamedMatrix> decode(std::span<const NpzMember> members, const NpzMember& member, std::optional<bool> transpose) {
  const MatrixView view = view_of(member.array.shape);
  const NpzMember* bias = find_bias(members, member.name);
  bool input_first = view.input_first;
  if (transpose) {
    input_first = *transpose != view.input_first;
  } else if (bias != nullptr && view.kind == "matrix") {
    const uint64_t length = bias->array.shape[0];
    input_first = length == view.second && length != view.first;
  }
  if (Status s = check_dimensions(view.first, view.second); !s) return std::move(s).error();
  Result<std::vector<float>> values = member.array.floats();
  if (!values) return std::move(values).error();
  if (input_first) *values = transposed_matrices(*values, view.first, view.second);
  const uint64_t rows = input_first ? view.second : view.first, columns = input_first ? view.first : view.second;
  Result<SparseMatrix> matrix =
      SparseMatrix::from_dense(static_cast<uint32_t>(rows), static_cast<uint32_t>(columns), *values);
  if (!matrix) return std::move(matrix).error();
  NamedMatrix named{member.name, *std::move(matrix), {}, {}, 0, std::string(view.kind)};
  if (bias == nullptr) return named;
  if (bias->array.shape[0] != rows)
    return bad_input("its bias '{}' has {} values, but the matrix has {} rows", printable(bias->name),
                     bias->array.shape[0], rows);
  Result<std::vector<float>> bias_values = bias->array.floats();
  if (!bias_values) return std::move(bias_values).error().in(printable(bias->name));
  named.bias = *std::move(bias_values);
  return named;
}

}  // namespace

Result<std::vector<WeightSource>> array_sources(std::vector<NpzMember> members, const ImportOptions& options) {
  if (Status s = check_empty_arrays(members); !s) return std::move(s).error();
  const auto shared = std::make_shared<const std::vector<NpzMember>>(std::move(members));
  std::vector<WeightSource> sources;
  for (const NpzMember& member : *shared) {
    const MatrixView view = view_of(member.array.shape);
    if (view.kind.empty()) continue;
    WeightListing listing{sources.size(),          member.name,        std::string(view.kind), member.array.shape,
                          member.array.nonzeros(), view.kind != "conv"};
    sources.push_back({std::move(listing), [shared, &member, transpose = options.transpose]() -> Result<NamedMatrix> {
                         Result<NamedMatrix> matrix = decode(*shared, member, transpose);
                         if (!matrix) return std::move(matrix).error().in(printable(member.name));
                         return matrix;
                       }});
  }
  return sources;
}

}  // namespace espalier
