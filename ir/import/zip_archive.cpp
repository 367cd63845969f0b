#include "ir/import/zip_archive.h"

#include <algorithm>
#include <unordered_set>

namespace espalier {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50, kCentralSignature = 0x02014b50, kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50, kLocator64Signature = 0x07064b50;
constexpr uint64_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr uint64_t kMaxMemberBytes = uint64_t{1} << 31, kMaxTotalBytes = uint64_t{1} << 32;
/// Deflate's best case is a match of 258 bytes in 2 bits; the constant covers a block's own header.
constexpr uint64_t kMaxExpansion = 1032, kExpansionSlack = 64;
constexpr uint16_t kFlagEncrypted = 1, kFlagDescriptor = 8, kFlagPatch = 32, kFlagStrongEncryption = 64;
constexpr uint16_t kFull16 = 0xffff;
constexpr uint32_t kFull32 = 0xffffffff;

struct Directory {
  uint64_t offset = 0, bytes = 0, entries = 0;
  uint64_t end = 0;  ///< where the end record (zip64: its first part) begins; the directory must end there
};

/// The end record is the last one whose comment reaches exactly to the end of the file.
Result<uint64_t> find_end_record(Bytes archive) {
  if (archive.size() < kEndBytes)
    return bad_input("has {} bytes, but a zip archive takes at least {}", archive.size(), kEndBytes);
  const uint64_t last = archive.size() - kEndBytes;
  for (uint64_t at = last;; --at) {
    if (load_little<uint32_t>(archive, at) == kEndSignature &&
        at + kEndBytes + load_little<uint16_t>(archive, at + 20) == archive.size())
      return at;
    if (at == 0 || last - at == 0xffff) break;
  }
  return bad_input("has no zip end record in its last {} bytes (cut short, or not a zip archive)",
                   std::min<uint64_t>(archive.size(), kEndBytes + 0xffff));
}

Result<Directory> read_end64(Bytes archive, uint64_t end) {
  if (end < kLocator64Bytes || load_little<uint32_t>(archive, end - kLocator64Bytes) != kLocator64Signature)
    return bad_input("the zip end record refers to a zip64 record, but none stands before it");
  const uint64_t at = load_little<uint64_t>(archive, end - kLocator64Bytes + 8), limit = end - kLocator64Bytes;
  if (at > limit || limit - at < kEnd64Bytes || load_little<uint32_t>(archive, at) != kEnd64Signature)
    return bad_input("the zip64 end record should be at byte {}, but is not there", at);
  return Directory{load_little<uint64_t>(archive, at + 48), load_little<uint64_t>(archive, at + 40),
                   load_little<uint64_t>(archive, at + 32), at};
}

Result<Directory> find_directory(Bytes archive) {
  Result<uint64_t> end = find_end_record(archive);
  if (!end) return std::move(end).error();
  const auto disk = load_little<uint16_t>(archive, *end + 4), entries = load_little<uint16_t>(archive, *end + 10);
  if (disk != 0 && disk != kFull16) return unsupported("is part {} of a zip archive over several disks", disk + 1);
  Directory directory{load_little<uint32_t>(archive, *end + 16), load_little<uint32_t>(archive, *end + 12), entries,
                      *end};
  if (entries == kFull16 || directory.offset == kFull32 || directory.bytes == kFull32) {
    Result<Directory> wide = read_end64(archive, *end);
    if (!wide) return wide;
    directory = *wide;
  }
  if (directory.offset > directory.end || directory.bytes != directory.end - directory.offset)
    return bad_input("the zip directory of {} bytes at byte {} does not end at byte {}, where the end record begins",
                     directory.bytes, directory.offset, directory.end);
  if (directory.entries > directory.bytes / kCentralBytes)
    return bad_input("the zip directory announces {} members, but its {} bytes hold at most {}", directory.entries,
                     directory.bytes, directory.bytes / kCentralBytes);
  return directory;
}

/// Replaces the fields that are full by the zip64 extra field's, in its fixed order.
Status apply_zip64(Bytes extra, std::span<uint64_t* const> fields) {
  const bool wanted = std::any_of(fields.begin(), fields.end(), [](const uint64_t* f) { return *f == kFull32; });
  while (wanted && extra.size() >= 4) {
    const auto id = load_little<uint16_t>(extra, 0), bytes = load_little<uint16_t>(extra, 2);
    extra = extra.subspan(4);
    if (bytes > extra.size()) break;
    if (id != 1) {
      extra = extra.subspan(bytes);
      continue;
    }
    Bytes body = extra.first(bytes);
    for (uint64_t* field : fields) {
      if (*field != kFull32) continue;
      if (body.size() < 8) return bad_input("its zip64 field has {} bytes, but more sizes refer to it", bytes);
      *field = load_little<uint64_t>(body, 0);
      body = body.subspan(8);
    }
    return {};
  }
  if (wanted) return bad_input("a size refers to a zip64 field, but there is none");
  return {};
}

Status check_method(uint16_t flags, const ZipMember& member) {
  if (flags & (kFlagEncrypted | kFlagStrongEncryption)) return unsupported("is encrypted");
  if (flags & kFlagPatch) return unsupported("is a zip patch");
  if (member.method != 0 && member.method != 8)
    return unsupported("is packed with zip method {}, but only 0 (stored) and 8 (deflated) are read", member.method);
  return {};
}

Status check_sizes(const ZipMember& member) {
  if (member.method == 0 && member.packed_bytes != member.unpacked_bytes)
    return bad_input("is stored, but has {} bytes packed and {} unpacked", member.packed_bytes, member.unpacked_bytes);
  const uint64_t most = saturating_product(member.packed_bytes, kMaxExpansion);
  if (member.unpacked_bytes > kExpansionSlack && member.unpacked_bytes - kExpansionSlack > most)
    return bad_input("announces {} bytes from {} packed ones, but deflate expands at most {} times",
                     member.unpacked_bytes, member.packed_bytes, kMaxExpansion);
  if (member.unpacked_bytes > kMaxMemberBytes)
    return limit_exceeded("announces {} bytes, but at most {} are unpacked", member.unpacked_bytes, kMaxMemberBytes);
  return {};
}

Status check_local_sizes(Bytes local, Bytes extra, const ZipMember& member) {
  uint64_t packed = load_little<uint32_t>(local, 18), unpacked = load_little<uint32_t>(local, 22);
  if (load_little<uint16_t>(local, 6) & kFlagDescriptor)
    return {};  // real sizes follow the data; the directory has them too
  uint64_t* const fields[] = {&unpacked, &packed};
  if (Status s = apply_zip64(extra, fields); !s) return s;
  if (packed != member.packed_bytes || unpacked != member.unpacked_bytes)
    return bad_input("its local header says {} bytes packed and {} unpacked, but the zip directory {} and {}", packed,
                     unpacked, member.packed_bytes, member.unpacked_bytes);
  return {};
}

/// Checks the local header against the directory and finds the data behind it.
Status read_local_header(Bytes archive, uint64_t directory_offset, ZipMember& member) {
  const uint64_t at = member.header_offset;
  if (at > directory_offset || directory_offset - at < kLocalBytes)
    return bad_input("its local header at byte {} does not fit before the zip directory at byte {}", at,
                     directory_offset);
  const Bytes local = archive.subspan(at, directory_offset - at);
  if (load_little<uint32_t>(local, 0) != kLocalSignature)
    return bad_input("its local header should be at byte {}, but is not there", at);
  const uint64_t name_bytes = load_little<uint16_t>(local, 26), extra_bytes = load_little<uint16_t>(local, 28);
  if (name_bytes + extra_bytes > local.size() - kLocalBytes)
    return bad_input("its local header at byte {} runs into the zip directory at byte {}", at, directory_offset);
  const std::string_view name = as_text(local.subspan(kLocalBytes, name_bytes));
  if (name != member.name) return bad_input("its local header names it '{}'", printable(name));
  if (Status s = check_method(load_little<uint16_t>(local, 6), member); !s) return s;
  if (const auto method = load_little<uint16_t>(local, 8); method != member.method)
    return bad_input("its local header says method {}, but the zip directory {}", method, member.method);
  if (Status s = check_local_sizes(local, local.subspan(kLocalBytes + name_bytes, extra_bytes), member); !s) return s;
  member.data_offset = at + kLocalBytes + name_bytes + extra_bytes;
  if (member.packed_bytes > directory_offset - member.data_offset)
    return bad_input("its {} packed bytes at byte {} run into the zip directory at byte {}", member.packed_bytes,
                     member.data_offset, directory_offset);
  return {};
}

/// Reads the entry at `at` of the directory and moves `at` behind it.
Result<ZipMember> read_entry(Bytes archive, const Directory& directory, uint64_t index, uint64_t& at) {
  const uint64_t left = directory.end - at;
  if (left < kCentralBytes || load_little<uint32_t>(archive, at) != kCentralSignature)
    return bad_input("member {} of {} should be listed at byte {}, but is not", index, directory.entries, at);
  const Bytes entry = archive.subspan(at, left);
  const uint64_t name_bytes = load_little<uint16_t>(entry, 28), extra_bytes = load_little<uint16_t>(entry, 30);
  const uint64_t whole = kCentralBytes + name_bytes + extra_bytes + load_little<uint16_t>(entry, 32);
  if (whole > left)
    return bad_input("the zip directory entry of member {} takes {} bytes, but {} are left", index, whole, left);
  ZipMember member{std::string(as_text(entry.subspan(kCentralBytes, name_bytes))),
                   load_little<uint16_t>(entry, 10),
                   load_little<uint32_t>(entry, 16),
                   load_little<uint32_t>(entry, 20),
                   load_little<uint32_t>(entry, 24),
                   load_little<uint32_t>(entry, 42),
                   0};
  uint64_t* const fields[] = {&member.unpacked_bytes, &member.packed_bytes, &member.header_offset};
  const auto checked = [&]() -> Status {
    if (Status s = apply_zip64(entry.subspan(kCentralBytes + name_bytes, extra_bytes), fields); !s) return s;
    if (Status s = check_method(load_little<uint16_t>(entry, 8), member); !s) return s;
    if (Status s = check_sizes(member); !s) return s;
    return read_local_header(archive, directory.offset, member);
  };
  if (Status s = checked(); !s) return std::move(s).error().in(printable(member.name));
  at += whole;
  return member;
}

Status check_names(std::span<const ZipMember> members) {
  std::unordered_set<std::string_view> names;
  for (const ZipMember& member : members)
    if (!names.insert(member.name).second) return bad_input("has two members named '{}'", printable(member.name));
  return {};
}

Status check_overlaps(std::span<const ZipMember> members) {
  std::vector<const ZipMember*> sorted;
  for (const ZipMember& member : members) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->header_offset < b->header_offset; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    const ZipMember &a = *sorted[i - 1], &b = *sorted[i];
    if (a.data_offset + a.packed_bytes > b.header_offset)
      return bad_input("members '{}' and '{}' overlap: one ends at byte {}, the other begins at byte {}",
                       printable(a.name), printable(b.name), a.data_offset + a.packed_bytes, b.header_offset);
  }
  return {};
}

}  // namespace

Result<std::vector<ZipMember>> parse_zip(Bytes archive) {
  Result<Directory> directory = find_directory(archive);
  if (!directory) return std::move(directory).error();
  std::vector<ZipMember> members;
  uint64_t at = directory->offset, total = 0;
  for (uint64_t i = 0; i < directory->entries; ++i) {
    Result<ZipMember> member = read_entry(archive, *directory, i, at);
    if (!member) return std::move(member).error();
    total += member->unpacked_bytes;
    if (total > kMaxTotalBytes)
      return limit_exceeded("its members announce {} bytes or more, but at most {} are unpacked", total,
                            kMaxTotalBytes);
    members.push_back(*std::move(member));
  }
  if (at != directory->end)
    return bad_input("the zip directory announces {} members, but {} bytes are left behind them", directory->entries,
                     directory->end - at);
  if (Status s = check_names(members); !s) return std::move(s).error();
  if (Status s = check_overlaps(members); !s) return std::move(s).error();
  return members;
}

}  // namespace espalier
