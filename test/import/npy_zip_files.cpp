#include "npy_zip_files.h"

#include <fmt/format.h>
#include <zlib.h>

namespace espalier::test {
namespace {

std::string deflated(std::string_view data) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct PackedEntry {
  std::string packed;
  uint32_t crc;
  uint16_t flags, method;
  uint32_t header_offset;
};

uint32_t crc_of(std::string_view data) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

PackedEntry pack(const ZipEntry& e, size_t at) {
  const auto flags = static_cast<uint16_t>(e.flags.value_or(0) | (e.descriptor ? 8 : 0));
  const auto method = e.method.value_or(e.deflate ? uint16_t{8} : uint16_t{0});
  return {e.deflate ? deflated(e.data) : e.data, e.crc.value_or(crc_of(e.data)), flags, method,
          e.header_offset.value_or(static_cast<uint32_t>(at))};
}

/// What both headers share from the flags to the name's length.
std::string shared_part(const ZipEntry& e, const PackedEntry& p, uint16_t method, uint32_t packed, uint32_t unpacked,
                        std::string_view name, size_t extra_bytes) {
  const uint32_t full = 0xffffffff;
  return little<uint16_t>(45) + little(p.flags) + little(method) + little<uint32_t>(0) + little(p.crc) +
         little(e.zip64 ? full : packed) + little(e.zip64 ? full : unpacked) +
         little(static_cast<uint16_t>(name.size())) + little(static_cast<uint16_t>(extra_bytes));
}

std::string zip64_extra(const ZipEntry& e, uint64_t packed, uint64_t unpacked) {
  return e.zip64 ? little<uint16_t>(1) + little<uint16_t>(16) + little(unpacked) + little(packed) : std::string();
}

std::string local_entry(const ZipEntry& e, const PackedEntry& p) {
  const uint32_t packed = e.local_packed.value_or(e.packed.value_or(static_cast<uint32_t>(p.packed.size())));
  const uint32_t unpacked = e.unpacked.value_or(static_cast<uint32_t>(e.data.size()));
  const std::string name = e.local_name.value_or(e.name), extra = zip64_extra(e, packed, unpacked);
  const uint16_t method = e.local_method.value_or(p.method);
  std::string bytes = little<uint32_t>(0x04034b50) + shared_part(e, p, method, e.descriptor ? 0 : packed,
                                                                 e.descriptor ? 0 : unpacked, name, extra.size());
  bytes += name + extra + p.packed;
  if (e.descriptor) bytes += little<uint32_t>(0x08074b50) + little(p.crc) + little(packed) + little(unpacked);
  return bytes;
}

std::string directory_entry(const ZipEntry& e, const PackedEntry& p) {
  const uint32_t packed = e.packed.value_or(static_cast<uint32_t>(p.packed.size()));
  const uint32_t unpacked = e.unpacked.value_or(static_cast<uint32_t>(e.data.size()));
  const std::string extra = zip64_extra(e, packed, unpacked);
  return little<uint32_t>(0x02014b50) + little<uint16_t>(45) +
         shared_part(e, p, p.method, packed, unpacked, e.name, extra.size()) + little<uint16_t>(0) +
         little<uint16_t>(0) + little<uint16_t>(0) + little<uint32_t>(0) + little(p.header_offset) + e.name + extra;
}

std::string zip64_end(uint64_t entries, uint64_t bytes, uint64_t offset) {
  return little<uint32_t>(0x06064b50) + little<uint64_t>(44) + little<uint16_t>(45) + little<uint16_t>(45) +
         little<uint32_t>(0) + little<uint32_t>(0) + little(entries) + little(entries) + little(bytes) +
         little(offset) + little<uint32_t>(0x07064b50) + little<uint32_t>(0) + little(offset + bytes) +
         little<uint32_t>(1);
}

}  // namespace

std::string npy_file(std::string_view dictionary, std::string_view data, char version) {
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  const std::string header = std::string(dictionary) + "\n";
  file += version == 1 ? little(static_cast<uint16_t>(header.size())) : little(static_cast<uint32_t>(header.size()));
  return file + header + std::string(data);
}

std::string npy_dictionary(std::string_view descr, std::string_view shape, bool fortran) {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", descr, fortran ? "True" : "False", shape);
}

std::string zip_file(const std::vector<ZipEntry>& entries, const ZipEnd& end) {
  std::string file, directory;
  for (const ZipEntry& e : entries) {
    const PackedEntry packed = pack(e, file.size());
    file += local_entry(e, packed);
    directory += directory_entry(e, packed);
  }
  const auto offset = static_cast<uint32_t>(file.size()), bytes = static_cast<uint32_t>(directory.size());
  const auto count = end.entries.value_or(static_cast<uint16_t>(entries.size()));
  file += directory;
  if (end.zip64) file += zip64_end(count, bytes, offset);
  return file + little<uint32_t>(0x06054b50) + little(end.disk.value_or(uint16_t{0})) + little<uint16_t>(0) +
         little(count) + little(end.zip64 ? uint16_t{0xffff} : count) + little(end.directory_bytes.value_or(bytes)) +
         little(end.zip64 ? 0xffffffffu : end.directory_offset.value_or(offset)) +
         little(static_cast<uint16_t>(end.comment.size())) + end.comment;
}

std::vector<ZipEntry> scipy_csr_members() {
  const std::vector<std::pair<std::string, std::string>> members = {
      {"indices.npy", npy_int32("(4,)", {0, 2, 1, 3})},
      {"indptr.npy", npy_int32("(4,)", {0, 2, 3, 4})},
      {"format.npy", npy_file(npy_dictionary("|S3", "()"), "csr")},
      {"shape.npy", npy_int32("(2,)", {3, 4})},
      {"data.npy", npy_floats("(4,)", {1, 2, 3, 4})}};
  std::vector<ZipEntry> entries;
  for (const auto& [name, data] : members) {
    ZipEntry entry;
    entry.name = name;
    entry.data = data;
    entries.push_back(entry);
  }
  return entries;
}

std::vector<ZipEntry> with_member(std::vector<ZipEntry> entries, std::string_view name, std::string data) {
  for (ZipEntry& e : entries)
    if (e.name == name) e.data = data;
  return entries;
}

}  // namespace espalier::test
