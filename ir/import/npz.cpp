#include "ir/import/npz.h"

#include "ir/import/zip_archive.h"

namespace espalier {

Result<std::vector<NpzMember>> parse_npz(std::string_view file_name, Bytes bytes) {
  Result<std::vector<ZipMember>> directory = parse_zip(bytes);
  if (!directory) return std::move(directory).error().in(file_name);
  std::vector<NpzMember> members;
  for (const ZipMember& entry : *directory) {
    constexpr std::string_view kSuffix = ".npy";
    if (!entry.name.ends_with(kSuffix)) continue;
    Result<std::vector<std::byte>> unpacked = unpack_zip_member(bytes, entry);
    if (!unpacked) return std::move(unpacked).error().in(printable(entry.name)).in(file_name);
    Result<NpyArray> array = parse_npy(printable(entry.name), *unpacked);
    if (!array) return std::move(array).error().in(file_name);
    members.push_back({entry.name.substr(0, entry.name.size() - kSuffix.size()), *std::move(array)});
  }
  return members;
}

const NpyArray* find_member(std::span<const NpzMember> members, std::string_view name) {
  for (const NpzMember& member : members)
    if (member.name == name) return &member.array;
  return nullptr;
}

}  // namespace espalier
