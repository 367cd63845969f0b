// Unpacking one member with zlib.
#include <zlib.h>

#include <algorithm>

#include "ir/import/zip_archive.h"

namespace espalier {
namespace {

constexpr size_t kFirstStep = size_t{1} << 16;

/// zlib's state, released whatever happens.
struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, -MAX_WBITS) == Z_OK;  // negative: no zlib header, as in zip
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

/// Inflates up to one byte more than announced, so that too long a member shows itself.
Result<std::vector<std::byte>> inflate_member(Bytes packed, uint64_t announced) {
  Inflater inflater;
  if (!inflater.ready) return system_error("cannot start zlib");
  z_stream& stream = inflater.stream;
  std::vector<std::byte> out;
  uint64_t fed = 0;
  const uint64_t most = announced + 1;
  while (true) {
    if (stream.avail_in == 0 && fed < packed.size()) {
      const auto step = static_cast<uInt>(std::min<uint64_t>(packed.size() - fed, 1u << 30));
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + fed));
      stream.avail_in = step;
      fed += step;
    }
    const size_t old = out.size();
    const uint64_t step = std::min<uint64_t>(std::max(kFirstStep, old), most - old);
    out.resize(old + step);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + old);
    stream.avail_out = static_cast<uInt>(step);
    const int code = inflate(&stream, Z_NO_FLUSH);
    out.resize(old + step - stream.avail_out);
    if (code == Z_STREAM_END) break;
    if (out.size() > announced) return bad_input("unpacks to more than the {} bytes announced", announced);
    const bool stuck = out.size() == old && stream.avail_in == 0 && fed == packed.size();
    if (stuck || (code != Z_OK && code != Z_BUF_ERROR))
      return bad_input("its deflate data is damaged after {} bytes: {}", out.size(),
                       stream.msg != nullptr ? stream.msg : "it ends too early");
  }
  if (out.size() != announced) return bad_input("unpacks to {} bytes, but {} are announced", out.size(), announced);
  const uint64_t unused = stream.avail_in + (packed.size() - fed);
  if (unused != 0) return bad_input("has {} bytes behind the end of its deflate data", unused);
  return out;
}

}  // namespace

Result<std::vector<std::byte>> unpack_zip_member(Bytes archive, const ZipMember& member) {
  const Bytes packed = archive.subspan(member.data_offset, member.packed_bytes);
  Result<std::vector<std::byte>> bytes = member.method == 0 ? std::vector<std::byte>(packed.begin(), packed.end())
                                                            : inflate_member(packed, member.unpacked_bytes);
  if (!bytes) return bytes;
  const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes->data()), bytes->size());
  if (crc != member.crc32) return bad_input("has CRC-32 {:08x}, but {:08x} is announced", crc, member.crc32);
  return bytes;
}

}  // namespace espalier
