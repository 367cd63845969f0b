#include "ir/import/flat_file.h"

namespace espalier {

Bytes FlatFile::slice(uint64_t offset, uint64_t count, std::string_view what) {
  if (!status_) return {};
  if (offset <= bytes_.size() && count <= bytes_.size() - offset) return bytes_.subspan(offset, count);
  fail(bad_input("{} takes {} bytes from byte {}, but the file has {}", what, count, offset, bytes_.size()));
  return {};
}

FlatTable FlatFile::root() { return FlatTable(*this, follow(0, "the root table's offset")); }

FlatTable::FlatTable(FlatFile& file, uint64_t offset) : offset_(offset) {
  const int64_t distance = file.load<flatbuffers::soffset_t>(offset, "a table");
  const int64_t vtable = static_cast<int64_t>(offset) - distance;
  if (!file.status()) return;
  if (vtable < 0) {
    file.fail(bad_input("the table at byte {} has its vtable at byte {}, before the file begins", offset, vtable));
    return;
  }
  vtable_ = static_cast<uint64_t>(vtable);
  vtable_bytes_ = file.load<flatbuffers::voffset_t>(vtable_, "a vtable");
  file.slice(vtable_, vtable_bytes_, "a vtable");
  if (file.status()) file_ = &file;
}

uint64_t FlatTable::place(unsigned field) const {
  const uint64_t entry = 2 * sizeof(flatbuffers::voffset_t) + field * sizeof(flatbuffers::voffset_t);
  if (file_ == nullptr || entry + sizeof(flatbuffers::voffset_t) > vtable_bytes_) return 0;
  const auto distance = file_->load<flatbuffers::voffset_t>(vtable_ + entry, "a vtable");
  return distance == 0 ? 0 : offset_ + distance;
}

Bytes FlatTable::elements(uint64_t at, uint64_t element_bytes, std::string_view what) const {
  const uint64_t begin = file_->follow(at, what);
  const uint64_t count = file_->load<flatbuffers::uoffset_t>(begin, what);
  return file_->slice(begin + sizeof(flatbuffers::uoffset_t), count * element_bytes, what);
}

FlatTable FlatTable::table(unsigned field, std::string_view what) const {
  const uint64_t at = place(field);
  return at == 0 ? FlatTable() : FlatTable(*file_, file_->follow(at, what));
}

FlatTables FlatTable::tables(unsigned field, std::string_view what) const {
  const uint64_t at = place(field);
  if (at == 0) return {};
  const uint64_t begin = file_->follow(at, what), first = begin + sizeof(flatbuffers::uoffset_t);
  const uint64_t count = elements(at, sizeof(flatbuffers::uoffset_t), what).size() / sizeof(flatbuffers::uoffset_t);
  return FlatTables(*file_, first, count);
}

FlatTable FlatTables::operator[](uint64_t i) const {
  if (i >= count_) return {};
  return FlatTable(*file_, file_->follow(first_ + i * sizeof(flatbuffers::uoffset_t), "a table's offset"));
}

}  // namespace espalier
