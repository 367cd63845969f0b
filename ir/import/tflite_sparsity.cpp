#include <algorithm>

#include "ir/import/tflite_schema.h"
#include "ir/import/tflite_tensor.h"

namespace espalier {
namespace {

namespace field = tflite_field;

constexpr uint64_t kMaxLevels = 16;

/// A segments or indices vector of any of the union's three widths (0 is "none").
struct IndexVector {
  FlatTable table;
  uint8_t type = 0;
  FlatVector<int32_t> int32;
  FlatVector<uint16_t> uint16;
  FlatVector<uint8_t> uint8;

  IndexVector(const FlatTable& level, unsigned type_field, unsigned table_field)
      : table(level.table(table_field, "a sparse index vector")),
        type(level.scalar<uint8_t>(type_field, 0, "a sparse index vector's type")) {
    if (type == 1) int32 = table.vector<int32_t>(field::kValues, "a sparse index vector");
    if (type == 2) uint16 = table.vector<uint16_t>(field::kValues, "a sparse index vector");
    if (type == 3) uint8 = table.vector<uint8_t>(field::kValues, "a sparse index vector");
  }
  bool known() const { return type >= 1 && type <= 3; }
  uint64_t size() const { return type == 1 ? int32.size() : type == 2 ? uint16.size() : type == 3 ? uint8.size() : 0; }
  int64_t operator[](uint64_t i) const { return type == 1 ? int32[i] : type == 2 ? uint16[i] : int64_t{uint8[i]}; }
};

/// One level of the storage: how many positions its dimension has, and how far apart they are in the dense tensor.
struct Level {
  uint64_t size = 0;
  uint64_t stride = 0;
};

class PlaceDecoder {
 public:
  PlaceDecoder(const FlatTable& sparsity, std::span<const uint64_t> shape, uint64_t values, DecodeBudget& budget)
      : order_(sparsity.vector<int32_t>(field::kTraversalOrder, "a traversal order")),
        block_map_(sparsity.vector<int32_t>(field::kBlockMap, "a block map")),
        metadata_(sparsity.tables(field::kDimMetadata, "dimension metadata")),
        shape_(shape),
        values_(values),
        budget_(budget) {}

  Result<std::vector<uint64_t>> decode() {
    if (Status s = check_order(); !s) return std::move(s).error();
    if (Status s = read_blocks(); !s) return std::move(s).error();
    std::vector<uint64_t> places{0};
    for (uint64_t l = 0; l < order_.size(); ++l)
      if (Status s = expand(l, places); !s) return std::move(s).error().in(fmt::format("sparse level {}", l));
    if (places.size() != values_)
      return bad_input("its sparsity parameters describe {} values, but the buffer holds {}", places.size(), values_);
    return places;
  }

 private:
  Status check_order() {
    const uint64_t levels = shape_.size() + block_map_.size();
    if (levels > kMaxLevels) return limit_exceeded("has {} sparse levels, but at most {} are read", levels, kMaxLevels);
    if (order_.size() != levels)
      return bad_input("its traversal order has {} entries, but {} dimensions and {} block dimensions need {}",
                       order_.size(), shape_.size(), block_map_.size(), levels);
    if (metadata_.size() != levels)
      return bad_input("it has metadata for {} sparse levels, but its traversal order has {}", metadata_.size(),
                       levels);
    level_of_.assign(levels, levels);
    for (uint64_t l = 0; l < levels; ++l) {
      if (order_[l] < 0 || static_cast<uint64_t>(order_[l]) >= levels)
        return bad_input("entry {} of its traversal order is {}, but must be in 0..{}", l, order_[l], levels - 1);
      if (level_of_[order_[l]] != levels) return bad_input("its traversal order has dimension {} twice", order_[l]);
      level_of_[order_[l]] = l;
    }
    return {};
  }

  /// Fills levels_: of each dimension the count of blocks, of each block dimension the size of a block.
  Status read_blocks() {
    const uint64_t rank = shape_.size();
    levels_.resize(order_.size());
    uint64_t stride = 1;
    for (uint64_t d = rank; d-- > 0; stride *= shape_[d]) levels_[level_of_[d]] = {shape_[d], stride};
    std::vector<bool> blocked(rank, false);
    for (uint64_t b = 0; b < block_map_.size(); ++b) {
      const int32_t d = block_map_[b];
      if (d < 0 || static_cast<uint64_t>(d) >= rank)
        return bad_input("entry {} of its block map is {}, but must be in 0..{}", b, d, rank - 1);
      if (blocked[d]) return bad_input("its block map has dimension {} twice", d);
      blocked[d] = true;
      const int32_t size = metadata_[level_of_[rank + b]].scalar<int32_t>(field::kDenseSize, 0, "a block size");
      if (size < 1 || shape_[d] % static_cast<uint64_t>(size) != 0)
        return bad_input("blocks of {} do not divide its dimension {} of {}", size, d, shape_[d]);
      Level& outer = levels_[level_of_[d]];
      levels_[level_of_[rank + b]] = {static_cast<uint64_t>(size), outer.stride};
      outer = {outer.size / static_cast<uint64_t>(size), outer.stride * static_cast<uint64_t>(size)};
    }
    return {};
  }

  /// From the places of level l's parents to those of its own positions.
  Status expand(uint64_t l, std::vector<uint64_t>& places) const {
    const FlatTable level = metadata_[l];
    const auto format = level.scalar<int8_t>(field::kFormat, 0, "a sparse level's format");
    if (format == 0) return expand_dense(level, levels_[l], places);
    if (format == 1) return expand_compressed(level, levels_[l], places);
    return bad_input("has format {}, but must be 0 (dense) or 1 (compressed)", format);
  }

  /// The positions of all levels so far end up as values, so there are never more of them than values.
  Status expand_dense(const FlatTable& table, const Level& level, std::vector<uint64_t>& places) const {
    const auto size = table.scalar<int32_t>(field::kDenseSize, 0, "a dense level's size");
    if (size < 0 || static_cast<uint64_t>(size) != level.size)
      return bad_input("is dense with size {}, but its dimension has {}", size, level.size);
    const uint64_t parents = places.size(), count = saturating_product(parents, level.size);
    // A dense level may stand above a compressed one with empty segments, but those are stored: one per position.
    if (count > values_ + kMaxDimension)
      return bad_input("describes {} positions, but the buffer holds only {} values", count, values_);
    if (Status s = budget_.spend(count); !s) return s;
    std::vector<uint64_t> next;
    next.reserve(count);
    for (const uint64_t place : places)
      for (uint64_t i = 0; i < level.size; ++i) next.push_back(place + i * level.stride);
    places = std::move(next);
    return {};
  }

  Status expand_compressed(const FlatTable& table, const Level& level, std::vector<uint64_t>& places) const {
    const IndexVector segments(table, field::kSegmentsType, field::kSegments);
    const IndexVector indices(table, field::kIndicesType, field::kIndices);
    if (!segments.known() || !indices.known())
      return bad_input("has index vectors of types {} and {}, but they must be 1 (int32), 2 (uint16) or 3 (uint8)",
                       segments.type, indices.type);
    const uint64_t parents = places.size();
    if (segments.size() != parents + 1)
      return bad_input("has {} segments, but {} positions above it need {}", segments.size(), parents, parents + 1);
    if (segments[0] != 0) return bad_input("its segments start at {}, but must start at 0", segments[0]);
    if (Status s = budget_.spend(parents); !s) return s;
    std::vector<uint64_t> next;
    for (uint64_t p = 0; p < parents; ++p) {
      const int64_t begin = segments[p], end = segments[p + 1];
      if (end < begin) return bad_input("its segments descend at position {}: {} after {}", p, end, begin);
      if (static_cast<uint64_t>(end) > indices.size())
        return bad_input("its segments reach {} at position {}, but there are {} indices", end, p, indices.size());
      for (int64_t i = begin; i < end; ++i) {
        if (indices[i] < 0 || static_cast<uint64_t>(indices[i]) >= level.size)
          return bad_input("index {} is {}, but its dimension has {}", i, indices[i], level.size);
        if (i > begin && indices[i] <= indices[i - 1])
          return bad_input("index {} is {} after {}, but indices must ascend", i, indices[i], indices[i - 1]);
        next.push_back(places[p] + static_cast<uint64_t>(indices[i]) * level.stride);
      }
    }
    if (static_cast<uint64_t>(segments[parents]) != indices.size())
      return bad_input("its segments end at {}, but there are {} indices", segments[parents], indices.size());
    places = std::move(next);
    return budget_.spend(places.size());
  }

  FlatVector<int32_t> order_, block_map_;
  FlatTables metadata_;
  std::span<const uint64_t> shape_;
  uint64_t values_;
  DecodeBudget& budget_;
  std::vector<uint64_t> level_of_;  ///< dimension -> level
  std::vector<Level> levels_;
};

}  // namespace

Result<std::vector<uint64_t>> sparse_places(const FlatTable& sparsity, std::span<const uint64_t> shape, uint64_t values,
                                            const FlatFile& file, DecodeBudget& budget) {
  PlaceDecoder decoder(sparsity, shape, values, budget);
  Result<std::vector<uint64_t>> places = decoder.decode();
  if (!file.status())
    return file.status().error();  // its message names the bytes; what follows from it does not matter
  return places;
}

}  // namespace espalier
