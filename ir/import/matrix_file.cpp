#include "ir/import/matrix_file.h"

#include "ir/import/array_matrix.h"
#include "ir/import/matrix_market.h"
#include "ir/import/text_lines.h"
#include "ir/import/tflite_weights.h"

namespace espalier {
namespace {

using Sources = Result<std::vector<WeightSource>>;

struct Input {
  std::string_view file_name;
  Bytes bytes;
  const ImportOptions& options;

  std::string stem() const { return std::filesystem::path(file_name).stem().string(); }
};

/// Errors of the array rules do not know the file.
Sources named(const Input& in, Sources sources) {
  if (!sources) return std::move(sources).error().in(in.file_name);
  for (WeightSource& source : *sources)
    source.decode = [decode = std::move(source.decode), file = std::string(in.file_name)]() -> Result<NamedMatrix> {
      Result<NamedMatrix> matrix = decode();
      if (!matrix) return std::move(matrix).error().in(file);
      return matrix;
    };
  return sources;
}

Sources open_npy(const Input& in) {
  Result<NpyArray> array = parse_npy(in.file_name, in.bytes);
  if (!array) return std::move(array).error();
  if (array->shape.size() != 2 && array->shape.size() != 4)
    return bad_input("{}: has shape {}, but a matrix has 2 dimensions (or 4 for a 1x1 convolution)", in.file_name,
                     shape_text(array->shape));
  std::vector<NpzMember> members;
  members.push_back({in.stem(), *std::move(array)});
  return named(in, array_sources(std::move(members), in.options));
}

Sources open_npz(const Input& in) {
  Result<std::vector<NpzMember>> members = parse_npz(in.file_name, in.bytes);
  if (!members) return std::move(members).error();
  if (is_scipy(*members)) return named(in, scipy_sources(in.stem(), *std::move(members)));
  return named(in, array_sources(*std::move(members), in.options));
}

Sources single(Result<NamedMatrix> matrix) {
  if (!matrix) return std::move(matrix).error();
  const SparseMatrix& m = matrix->matrix;
  WeightListing listing{0, matrix->name, matrix->kind, {m.rows(), m.columns()}, m.nonzeros(), true};
  std::vector<WeightSource> sources;
  sources.push_back({std::move(listing), [matrix = *std::move(matrix)]() -> Result<NamedMatrix> { return matrix; }});
  return sources;
}

Sources open_mtx(const Input& in) { return single(parse_mtx(in.file_name, in.bytes, in.options.seed)); }
Sources open_smtx(const Input& in) { return single(parse_smtx(in.file_name, in.bytes, in.options.seed)); }
Sources open_tflite(const Input& in) { return tflite_sources(in.file_name, in.bytes); }

struct FormatRow {
  std::string_view magic;  ///< empty: told by the ending alone
  size_t magic_offset;
  std::string_view ending;
  Sources (*open)(const Input&);
};
constexpr FormatRow kFormats[] = {
    {"\x93NUMPY", 0, ".npy", open_npy},  {"PK\x03\x04", 0, ".npz", open_npz}, {"%%MatrixMarket", 0, ".mtx", open_mtx},
    {"TFL3", 4, ".tflite", open_tflite}, {"", 0, ".smtx", open_smtx},
};

Sources open_weights(const Input& in) {
  const std::string_view text = as_text(in.bytes);
  for (const FormatRow& row : kFormats)
    if (!row.magic.empty() && text.size() >= row.magic_offset && text.substr(row.magic_offset).starts_with(row.magic))
      return row.open(in);
  for (const FormatRow& row : kFormats)
    if (in.file_name.ends_with(row.ending)) return row.open(in);
  return bad_input("{}: is of no known format (.npy, .npz, .mtx, .smtx, .tflite)", in.file_name);
}

Result<const WeightSource*> select(std::string_view file_name, std::span<const WeightSource> sources,
                                   const std::string& wanted) {
  const WeightSource* found = nullptr;
  for (const WeightSource& source : sources) {
    if (source.listing.name != wanted) continue;
    if (found != nullptr)
      return bad_input("{}: weights {} and {} are both named '{}'; select by index", file_name, found->listing.index,
                       source.listing.index, printable(wanted));
    found = &source;
  }
  if (found != nullptr) return found;
  const std::optional<uint64_t> index = to_number<uint64_t>(wanted);
  if (!index) return bad_input("{}: has no weights named '{}'", file_name, printable(wanted));
  if (*index >= sources.size())
    return bad_input("{}: weights {} are selected, but the file has {}", file_name, *index, sources.size());
  return &sources[*index];
}

Result<std::vector<NamedMatrix>> decode_selected(std::string_view file_name, std::span<const WeightSource> sources,
                                                 const std::string& wanted) {
  Result<const WeightSource*> source = select(file_name, sources, wanted);
  if (!source) return std::move(source).error();
  const WeightListing& listing = (*source)->listing;
  if (!listing.is_matrix)
    return unsupported("{}: '{}' is of kind {}, but only 1x1 convolutions and fully-connected weights are matrices",
                       file_name, printable(listing.name), listing.kind);
  Result<NamedMatrix> matrix = (*source)->decode();
  if (!matrix) return std::move(matrix).error();
  std::vector<NamedMatrix> matrices;
  matrices.push_back(*std::move(matrix));
  return matrices;
}

}  // namespace

Result<std::vector<NamedMatrix>> parse_matrices(std::string_view file_name, Bytes bytes, const ImportOptions& options) {
  Sources sources = open_weights({file_name, bytes, options});
  if (!sources) return std::move(sources).error();
  if (!options.select.empty()) return decode_selected(file_name, *sources, options.select);
  std::vector<NamedMatrix> matrices;
  for (const WeightSource& source : *sources) {
    if (!source.listing.is_matrix) continue;
    Result<NamedMatrix> matrix = source.decode();
    if (!matrix) return std::move(matrix).error();
    matrices.push_back(*std::move(matrix));
  }
  if (matrices.empty()) return bad_input("{}: holds no matrix among its {} weights", file_name, sources->size());
  return matrices;
}

Result<std::vector<NamedMatrix>> read_matrices(const std::filesystem::path& path, const ImportOptions& options) {
  Result<std::vector<std::byte>> bytes = read_file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  return parse_matrices(path.string(), *bytes, options);
}

Result<std::vector<WeightListing>> parse_weight_list(std::string_view file_name, Bytes bytes) {
  Sources sources = open_weights({file_name, bytes, ImportOptions{}});
  if (!sources) return std::move(sources).error();
  std::vector<WeightListing> listings;
  for (WeightSource& source : *sources) listings.push_back(std::move(source.listing));
  return listings;
}

Result<std::vector<WeightListing>> list_weights(const std::filesystem::path& path) {
  Result<std::vector<std::byte>> bytes = read_file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  return parse_weight_list(path.string(), *bytes);
}

}  // namespace espalier
