// Flatbuffers with every access checked.
#pragma once

#include <flatbuffers/base.h>

#include <string_view>

#include "ir/import/bytes.h"

namespace espalier {

class FlatTable;

/// The bytes of one flatbuffer. flatbuffers' own accessors trust every offset, and its Verifier needs generated code;
/// here each load is checked against the file instead. The first failure sticks in status(); after it every accessor
/// returns a harmless nothing (zero, an empty vector, an absent table), so that callers may check status() once per
/// piece of work. Offsets are bytes from the start of the file. The bytes must outlive it and all tables and vectors
/// made from it. Source: "FlatBuffers internals" (the format), flatbuffers/base.h (its scalar types).
class FlatFile {
 public:
  explicit FlatFile(Bytes bytes) : bytes_(bytes) {}
  FlatFile(const FlatFile&) = delete;
  FlatFile& operator=(const FlatFile&) = delete;

  FlatTable root();
  uint64_t size() const { return bytes_.size(); }
  const Status& status() const { return status_; }
  void fail(Error error) {
    if (status_) status_ = std::move(error);
  }

  /// The scalar at `offset`, which needs no alignment.
  template <typename T>
  T load(uint64_t offset, std::string_view what) {
    const Bytes bytes = slice(offset, sizeof(T), what);
    return bytes.empty() ? T{} : load_little<T>(bytes, 0);
  }

  /// `count` bytes from `offset`; empty after a failure.
  Bytes slice(uint64_t offset, uint64_t count, std::string_view what);

  /// Where the offset stored at `at` points.
  uint64_t follow(uint64_t at, std::string_view what) { return at + load<flatbuffers::uoffset_t>(at, what); }

 private:
  Bytes bytes_;
  Status status_;
};

/// A vector of scalars. Reading beyond its end gives zero.
template <typename T>
class FlatVector {
 public:
  FlatVector() = default;
  explicit FlatVector(Bytes bytes) : bytes_(bytes) {}
  uint64_t size() const { return bytes_.size() / sizeof(T); }
  T operator[](uint64_t i) const { return i < size() ? load_little<T>(bytes_, i * sizeof(T)) : T{}; }
  Bytes bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

class FlatTables;

/// One table. Fields go by their number in the schema (the n-th field of its declaration, from 0; a union counts
/// twice).
class FlatTable {
 public:
  FlatTable() = default;
  FlatTable(FlatFile& file, uint64_t offset);

  bool present() const { return file_ != nullptr; }

  template <typename T>
  T scalar(unsigned field, T fallback, std::string_view what) const {
    const uint64_t at = place(field);
    return at == 0 ? fallback : file_->load<T>(at, what);
  }
  template <typename T>
  FlatVector<T> vector(unsigned field, std::string_view what) const {
    const uint64_t at = place(field);
    return at == 0 ? FlatVector<T>() : FlatVector<T>(elements(at, sizeof(T), what));
  }
  std::string_view text(unsigned field, std::string_view what) const {
    return as_text(vector<char>(field, what).bytes());
  }
  FlatTable table(unsigned field, std::string_view what) const;
  FlatTables tables(unsigned field, std::string_view what) const;

 private:
  friend class FlatTables;
  uint64_t place(unsigned field) const;  ///< 0: absent
  Bytes elements(uint64_t at, uint64_t element_bytes, std::string_view what) const;

  FlatFile* file_ = nullptr;
  uint64_t offset_ = 0, vtable_ = 0;
  uint16_t vtable_bytes_ = 0;
};

/// A vector of tables.
class FlatTables {
 public:
  FlatTables() = default;
  FlatTables(FlatFile& file, uint64_t first, uint64_t count) : file_(&file), first_(first), count_(count) {}
  uint64_t size() const { return count_; }
  FlatTable operator[](uint64_t i) const;

 private:
  FlatFile* file_ = nullptr;
  uint64_t first_ = 0, count_ = 0;
};

}  // namespace espalier
