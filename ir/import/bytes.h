// Whole files as bytes, and little-endian loads from them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "ir/error.h"

namespace espalier {

static_assert(std::endian::native == std::endian::little,
              "every format read here is little-endian, and so are our hosts");

using Bytes = std::span<const std::byte>;

/// Largest number of rows or columns that a file may announce. A sparse file of 50 bytes can announce any number of
/// empty rows, each of which costs 8 bytes of row offset, so announced sizes need a bound of their own: 32 MiB here.
inline constexpr uint64_t kMaxDimension = uint64_t{1} << 22;

/// Reads `path` into memory. Errors: kSystem when it cannot be opened or read, kLimit from 4 GiB on.
Result<std::vector<std::byte>> read_file_bytes(const std::filesystem::path& path);

/// Writes `bytes` to `path` through a neighbouring temporary file, so that `path` never holds half of them.
/// Errors: kSystem.
Status write_file_bytes(const std::filesystem::path& path, Bytes bytes);

/// The value at byte `offset`; the caller has checked that it lies inside.
template <typename T>
T load_little(Bytes bytes, size_t offset) {
  assert(offset <= bytes.size() && sizeof(T) <= bytes.size() - offset);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes as_byte_span(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// a * b, or the largest uint64_t where the product does not fit: it then exceeds every limit that it is held against.
inline uint64_t saturating_product(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/// Bytes from a file as they may appear in a message: control characters and bytes beyond ASCII as \xNN, cut at 80.
std::string printable(std::string_view text);

/// IEEE binary16 to binary32; exact.
float half_to_float(uint16_t bits);

/// kLimit when a file announces more than kMaxDimension rows or columns.
Status check_dimensions(uint64_t rows, uint64_t columns);

}  // namespace espalier
