// scipy.sparse matrices out of .npz files.
#include <algorithm>
#include <memory>

#include "ir/import/array_matrix.h"

namespace espalier {
namespace {

using Members = std::span<const NpzMember>;

Result<const NpyArray*> need(Members members, std::string_view key) {
  const NpyArray* array = find_member(members, key);
  if (array == nullptr) return bad_input("lacks the key '{}' of a scipy.sparse file", key);
  return array;
}

Result<std::vector<int64_t>> need_integers(Members members, std::string_view key) {
  Result<const NpyArray*> array = need(members, key);
  if (!array) return std::move(array).error();
  if ((*array)->shape.size() != 1)
    return bad_input("'{}' has shape {}, but must have 1 dimension", key, shape_text((*array)->shape));
  Result<std::vector<int64_t>> values = (*array)->integers();
  if (!values) return std::move(values).error().in(key);
  return values;
}

/// The stored entries, whatever the format, with the values in the order of the places.
struct Triplets {
  std::vector<uint32_t> rows, columns;
  std::vector<float> values;
};

struct SparseFile {
  uint64_t rows = 0, columns = 0;
  std::vector<uint64_t> data_shape;
  std::vector<float> data;
};

Result<SparseFile> read_common(Members members, size_t data_rank) {
  Result<std::vector<int64_t>> shape = need_integers(members, "shape");
  if (!shape) return std::move(shape).error();
  if (shape->size() != 2) return bad_input("'shape' has {} numbers, but must have 2", shape->size());
  for (const int64_t size : *shape)
    if (size < 0) return bad_input("'shape' has the number {}, but must not be negative", size);
  if (Status s = check_dimensions((*shape)[0], (*shape)[1]); !s) return std::move(s).error();
  Result<const NpyArray*> data = need(members, "data");
  if (!data) return std::move(data).error();
  if ((*data)->shape.size() != data_rank)
    return bad_input("'data' has shape {}, but must have {} dimension{}", shape_text((*data)->shape), data_rank,
                     data_rank == 1 ? "" : "s");
  Result<std::vector<float>> values = (*data)->floats();
  if (!values) return std::move(values).error().in("data");
  return SparseFile{static_cast<uint64_t>((*shape)[0]), static_cast<uint64_t>((*shape)[1]), (*data)->shape,
                    *std::move(values)};
}

/// What the compressed ("major") and the indexed ("minor") dimension are called in messages.
struct Axes {
  std::string_view major, minor, minors;
};
constexpr Axes kCsrAxes{"row", "column", "columns"}, kCscAxes{"column", "row", "rows"},
    kBsrAxes{"block row", "block column", "block columns"};

struct Compressed {
  std::vector<int64_t> offsets, indices;
};

Status check_compressed(const Compressed& c, uint64_t majors, uint64_t minors, uint64_t entries, const Axes& axes) {
  if (c.offsets.size() != majors + 1)
    return bad_input("'indptr' has {} entries, but {} {}s need {}", c.offsets.size(), majors, axes.major, majors + 1);
  if (c.indices.size() != entries)
    return bad_input("'indices' has {} entries, but 'data' has {}", c.indices.size(), entries);
  if (c.offsets[0] != 0) return bad_input("'indptr' starts at {}, but must start at 0", c.offsets[0]);
  for (uint64_t m = 0; m < majors; ++m) {
    if (c.offsets[m + 1] < c.offsets[m])
      return bad_input("'indptr' descends at {} {}: {} after {}", axes.major, m, c.offsets[m + 1], c.offsets[m]);
    if (static_cast<uint64_t>(c.offsets[m + 1]) > entries)
      return bad_input("'indptr' reaches {} at {} {}, but there are {} entries", c.offsets[m + 1], axes.major, m,
                       entries);
    for (int64_t i = c.offsets[m]; i < c.offsets[m + 1]; ++i) {
      const int64_t index = c.indices[i];
      if (index >= 0 && static_cast<uint64_t>(index) < minors) continue;
      if (minors == 0)
        return bad_input("{} {} has {} {}, but the matrix has 0 {}", axes.major, m, axes.minor, index, axes.minors);
      return bad_input("{} {} has {} {}, but the matrix has {} {} (0..{})", axes.major, m, axes.minor, index, minors,
                       axes.minors, minors - 1);
    }
  }
  if (static_cast<uint64_t>(c.offsets[majors]) != entries)
    return bad_input("'indptr' ends at {}, but there are {} entries", c.offsets[majors], entries);
  return {};
}

Result<Compressed> read_compressed(Members members, uint64_t majors, uint64_t minors, uint64_t entries,
                                   const Axes& axes) {
  Result<std::vector<int64_t>> offsets = need_integers(members, "indptr");
  if (!offsets) return std::move(offsets).error();
  Result<std::vector<int64_t>> indices = need_integers(members, "indices");
  if (!indices) return std::move(indices).error();
  Compressed compressed{*std::move(offsets), *std::move(indices)};
  if (Status s = check_compressed(compressed, majors, minors, entries, axes); !s) return std::move(s).error();
  return compressed;
}

Result<Triplets> expand(Members members, const SparseFile& file, bool by_column) {
  const uint64_t majors = by_column ? file.columns : file.rows, minors = by_column ? file.rows : file.columns;
  Result<Compressed> c = read_compressed(members, majors, minors, file.data.size(), by_column ? kCscAxes : kCsrAxes);
  if (!c) return std::move(c).error();
  std::vector<uint32_t> major, minor;
  for (uint64_t m = 0; m < majors; ++m)
    major.insert(major.end(), static_cast<size_t>(c->offsets[m + 1] - c->offsets[m]), static_cast<uint32_t>(m));
  for (const int64_t index : c->indices) minor.push_back(static_cast<uint32_t>(index));
  if (by_column) std::swap(major, minor);
  return Triplets{std::move(major), std::move(minor), file.data};
}

Result<Triplets> read_csr(Members members, const SparseFile& file) { return expand(members, file, false); }
Result<Triplets> read_csc(Members members, const SparseFile& file) { return expand(members, file, true); }

Result<Triplets> read_bsr(Members members, const SparseFile& file) {
  const uint64_t blocks = file.data_shape[0], height = file.data_shape[1], width = file.data_shape[2];
  if (height == 0 || width == 0 || file.rows % height != 0 || file.columns % width != 0)
    return bad_input("blocks of {} x {} do not divide a matrix of {} x {}", height, width, file.rows, file.columns);
  const uint64_t block_rows = file.rows / height;
  Result<Compressed> c = read_compressed(members, block_rows, file.columns / width, blocks, kBsrAxes);
  if (!c) return std::move(c).error();
  Triplets t;
  for (uint64_t m = 0; m < block_rows; ++m)
    for (int64_t i = c->offsets[m]; i < c->offsets[m + 1]; ++i)
      for (uint64_t r = 0; r < height; ++r)
        for (uint64_t k = 0; k < width; ++k) {
          t.rows.push_back(static_cast<uint32_t>(m * height + r));
          t.columns.push_back(static_cast<uint32_t>(c->indices[i] * width + k));
        }
  t.values = file.data;
  return t;
}

Status check_places(std::span<const int64_t> places, uint64_t size, uint64_t entries, std::string_view key,
                    std::string_view axis) {
  if (places.size() != entries) return bad_input("'{}' has {} entries, but 'data' has {}", key, places.size(), entries);
  for (size_t i = 0; i < places.size(); ++i)
    if (places[i] < 0 || static_cast<uint64_t>(places[i]) >= size)
      return bad_input("entry {} has {} {}, but the matrix has {} {}s", i, axis, places[i], size, axis);
  return {};
}

Result<Triplets> read_coo(Members members, const SparseFile& file) {
  Result<std::vector<int64_t>> rows = need_integers(members, "row");
  if (!rows) return std::move(rows).error();
  Result<std::vector<int64_t>> columns = need_integers(members, "col");
  if (!columns) return std::move(columns).error();
  if (Status s = check_places(*rows, file.rows, file.data.size(), "row", "row"); !s) return std::move(s).error();
  if (Status s = check_places(*columns, file.columns, file.data.size(), "col", "column"); !s)
    return std::move(s).error();
  return Triplets{{rows->begin(), rows->end()}, {columns->begin(), columns->end()}, file.data};
}

struct FormatRow {
  std::string_view name;
  size_t data_rank;
  Result<Triplets> (*read)(Members, const SparseFile&);
};
constexpr FormatRow kFormats[] = {
    {"csr", 1, read_csr}, {"csc", 1, read_csc}, {"coo", 1, read_coo}, {"bsr", 3, read_bsr}};

Result<const FormatRow*> format_of(Members members) {
  Result<const NpyArray*> array = need(members, "format");
  if (!array) return std::move(array).error();
  Result<std::string> name = (*array)->text();
  if (!name) return std::move(name).error().in("format");
  for (const FormatRow& row : kFormats)
    if (row.name == *name) return &row;
  return unsupported("is in scipy.sparse format '{}', but only csr, csc, coo and bsr are read; convert with .tocsr()",
                     printable(*name));
}

Result<NamedMatrix> decode(const std::string& name, Members members) {
  Result<const FormatRow*> format = format_of(members);
  if (!format) return std::move(format).error();
  Result<SparseFile> file = read_common(members, (*format)->data_rank);
  if (!file) return std::move(file).error();
  Result<Triplets> t = (*format)->read(members, *file);
  if (!t) return std::move(t).error();
  Result<SparseMatrix> matrix = SparseMatrix::from_coo(
      static_cast<uint32_t>(file->rows), static_cast<uint32_t>(file->columns), t->rows, t->columns, t->values);
  if (!matrix) return std::move(matrix).error();
  return NamedMatrix{name, *std::move(matrix), {}, {}, 0, "matrix"};
}

}  // namespace

bool is_scipy(std::span<const NpzMember> members) {
  return find_member(members, "format") != nullptr && find_member(members, "shape") != nullptr;
}

Result<std::vector<WeightSource>> scipy_sources(std::string name, std::vector<NpzMember> members) {
  const auto shared = std::make_shared<const std::vector<NpzMember>>(std::move(members));
  Result<NamedMatrix> matrix = decode(name, *shared);
  if (!matrix) return std::move(matrix).error();
  WeightListing listing{
      0, name, "matrix", {matrix->matrix.rows(), matrix->matrix.columns()}, matrix->matrix.nonzeros(), true};
  std::vector<WeightSource> sources;
  sources.push_back({std::move(listing), [matrix = *std::move(matrix)]() -> Result<NamedMatrix> { return matrix; }});
  return sources;
}

}  // namespace espalier
