// Writes the body of one WebAssembly function.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>

#include "backends/wasm/encodings.h"

namespace espalier::wasm {

/// Appends instructions to a growing buffer that is kept from function to function: no allocation per instruction.
class CodeWriter {
 public:
  explicit CodeWriter(const Encodings& encodings) : encodings_(encodings) {}

  std::string_view code() const { return {buffer_.get(), size_}; }
  void clear() { size_ = 0; }

  void write(Instruction i) {
    if (capacity_ - size_ < kRoom) grow();
    put(encodings_[i]);
  }
  /// An instruction with an unsigned immediate: a local's index or a memory offset in bytes.
  void write(Instruction i, uint32_t immediate) {
    write(i);
    put_unsigned(immediate);
  }
  /// A memory access of a lane: the offset in bytes, then the lane.
  void write_lane(Instruction i, uint32_t offset, uint8_t lane) {
    write(i, offset);
    put_byte(lane);
  }
  void write_constant(int32_t value) {
    write(Instruction::kConstI32);
    put_signed(value);
  }
  /// local += bytes. Addresses are numbers below 2^32, so a step behind the last panel may wrap.
  void write_move(uint32_t local, uint64_t bytes) {
    write(Instruction::kGetI32, local);
    write_constant(static_cast<int32_t>(static_cast<uint32_t>(bytes)));
    write(Instruction::kAddI32);
    write(Instruction::kSetI32, local);
  }
  /// The function's local variables behind its parameters: at most one group of each type, in this order.
  void declare_locals(uint32_t i32_count, uint32_t v128_count) {
    if (capacity_ - size_ < kRoom) grow();
    put_byte(static_cast<uint8_t>((i32_count != 0) + (v128_count != 0)));
    declare(i32_count, kI32);
    declare(v128_count, kV128);
  }

 private:
  static constexpr uint8_t kI32 = 0x7f, kV128 = 0x7b;  // value types of the binary format
  static constexpr size_t kRoom = 48;  // an encoding copied in full, a 5-byte number, a lane; with slack

  void grow() {
    const size_t capacity = capacity_ ? capacity_ * 2 : size_t{1} << 16;
    std::unique_ptr<char[]> larger(new char[capacity]);
    if (size_) std::memcpy(larger.get(), buffer_.get(), size_);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  }
  void put(const Encoding& encoding) {
    std::memcpy(buffer_.get() + size_, encoding.bytes.data(), encoding.bytes.size());
    size_ += encoding.size;
  }
  void put_byte(uint8_t byte) { buffer_[size_++] = static_cast<char>(byte); }
  void put_unsigned(uint32_t value) {
    for (; value >= 0x80; value >>= 7) put_byte(static_cast<uint8_t>(value | 0x80));
    put_byte(static_cast<uint8_t>(value));
  }
  void put_signed(int32_t value) {
    for (; value < -0x40 || value >= 0x40; value >>= 7) put_byte(static_cast<uint8_t>((value & 0x7f) | 0x80));
    put_byte(static_cast<uint8_t>(value & 0x7f));
  }
  void declare(uint32_t count, uint8_t type) {
    if (count == 0) return;
    put_unsigned(count);
    put_byte(type);
  }

  const Encodings& encodings_;
  std::unique_ptr<char[]> buffer_;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace espalier::wasm
