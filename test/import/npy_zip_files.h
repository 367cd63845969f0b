// Hand-made .npy and zip files for the tests, byte by byte, with every field open to damage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/import/bytes.h"

namespace espalier::test {

template <typename T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}
template <typename T>
std::string little(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

/// An .npy file with this dictionary and data; version 1 unless told otherwise.
std::string npy_file(std::string_view dictionary, std::string_view data, char version = 1);

/// The dictionary NumPy would write.
std::string npy_dictionary(std::string_view descr, std::string_view shape, bool fortran = false);

inline std::string npy_floats(std::string_view shape, const std::vector<float>& values) {
  return npy_file(npy_dictionary("<f4", shape), raw(values));
}
inline std::string npy_int32(std::string_view shape, const std::vector<int32_t>& values) {
  return npy_file(npy_dictionary("<i4", shape), raw(values));
}

/// One member. Fields without a value are computed; `local_*` damage only the local header, the others both.
struct ZipEntry {
  std::string name, data;
  bool deflate = false;
  bool descriptor = false;  ///< sizes behind the data instead of in the local header
  bool zip64 = false;       ///< sizes in zip64 extra fields
  std::optional<uint16_t> flags, method, local_method;
  std::optional<uint32_t> crc, packed, unpacked, local_packed, header_offset;
  std::optional<std::string> local_name;
};

/// The end record, open to damage.
struct ZipEnd {
  std::optional<uint16_t> entries, disk;
  std::optional<uint32_t> directory_bytes, directory_offset;
  bool zip64 = false;
  std::string comment;
};

std::string zip_file(const std::vector<ZipEntry>& entries, const ZipEnd& end = {});

/// scipy.sparse.save_npz's members for a csr matrix of 3 x 4; the tests replace one of them.
std::vector<ZipEntry> scipy_csr_members();

/// `entries` with the data of `name` replaced.
std::vector<ZipEntry> with_member(std::vector<ZipEntry> entries, std::string_view name, std::string data);

}  // namespace espalier::test
