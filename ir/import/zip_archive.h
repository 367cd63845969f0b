// A bounded reader of zip archives, as far as .npz files need it.
#pragma once

#include <string>

#include "ir/import/bytes.h"

namespace espalier {

/// One file inside an archive. Sizes and offsets are bytes.
struct ZipMember {
  std::string name;
  uint16_t method = 0;  ///< 0 stored, 8 deflated
  uint32_t crc32 = 0;
  uint64_t packed_bytes = 0;
  uint64_t unpacked_bytes = 0;
  uint64_t header_offset = 0;
  uint64_t data_offset = 0;
};

/// The members of an archive in the order of its central directory, each checked against its local header: names,
/// methods and sizes agree, nothing overlaps, no name comes twice, no size exceeds what deflate could have packed.
/// zip64 and data descriptors are understood. Nothing is unpacked yet, so a bomb costs nothing here. Errors: kBadInput
/// for damage and tricks; kUnsupported for encryption, several disks and other methods; kLimit for a member over 2 GiB
/// or 4 GiB in all. Source: PKWARE APPNOTE.TXT 6.3.10.
Result<std::vector<ZipMember>> parse_zip(Bytes archive);

/// The unpacked bytes of a member that parse_zip(archive) returned. Memory grows with what is really unpacked, never
/// ahead to an announced size. Errors (kBadInput): damaged deflate data, a length or CRC-32 other than announced.
Result<std::vector<std::byte>> unpack_zip_member(Bytes archive, const ZipMember& member);

}  // namespace espalier
