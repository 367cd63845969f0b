// NumPy's .npy files: one array.
#pragma once

#include <string>
#include <string_view>

#include "ir/import/bytes.h"

namespace espalier {

/// Element types of .npy files that are read and written. Text ('S', 'U') only serves scipy's `format` key.
enum class NpyType : uint8_t { kF2, kF4, kF8, kI1, kU1, kI2, kU2, kI4, kU4, kI8, kU8, kB1, kBytes, kUnicode };

/// One array. `data` holds the elements in C (row-major) order and little-endian, whatever the file had, so it is
/// elements() * item_bytes long. A shape of rank 0 is a scalar with one element. Sizes in `shape` are elements.
struct NpyArray {
  NpyType type = NpyType::kF4;
  uint32_t item_bytes = 4;
  std::vector<uint64_t> shape;
  std::vector<std::byte> data;

  static NpyArray from_floats(std::vector<uint64_t> shape, std::span<const float> values);

  uint64_t elements() const { return item_bytes == 0 ? 0 : data.size() / item_bytes; }
  bool is_number() const { return type < NpyType::kBytes; }

  /// All elements as fp32, rounded to nearest where they do not fit. Errors (kBadInput): text elements.
  Result<std::vector<float>> floats() const;
  /// How many elements are not 0; 0 for text.
  uint64_t nonzeros() const;
  /// All elements as int64. Errors (kBadInput): a float or text type, a value over 2^63 - 1.
  Result<std::vector<int64_t>> integers() const;
  /// The one text element, without padding. Errors (kBadInput): other types, more than one element.
  Result<std::string> text() const;

  bool operator==(const NpyArray&) const = default;
};

/// Decodes the bytes of one .npy file: versions 1 to 3, either byte order, C or Fortran order, up to 32 dimensions. The
/// data must be exactly as long as type and shape say. `file_name` is only used in messages.
/// Errors: kBadInput for damage, kUnsupported for object arrays (pickles are never run), structured and other types.
/// Source: numpy/lib/format.py, "NEP 1: a simple file format for NumPy arrays".
Result<NpyArray> parse_npy(std::string_view file_name, Bytes bytes);

/// parse_npy of a file on disk. Errors: also kSystem.
Result<NpyArray> read_npy(const std::filesystem::path& path);

/// The bytes of a version 1 file in C order, aligned to 64 as NumPy does.
std::vector<std::byte> npy_bytes(const NpyArray& array);

/// Writes npy_bytes to `path`, all or nothing. Errors: kSystem.
Status write_npy(const std::filesystem::path& path, const NpyArray& array);

/// `(64, 32)`, for messages and headers.
std::string shape_text(std::span<const uint64_t> shape);

}  // namespace espalier
