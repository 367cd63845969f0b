#include "ir/import/bytes.h"

#include <cerrno>
#include <cstdio>
#include <memory>

namespace espalier {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 32;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

Error cannot(std::string_view verb, const std::filesystem::path& path, int reason) {
  return system_error("{}: cannot {}: {}", path.string(), verb, std::generic_category().message(reason));
}

}  // namespace

Result<std::vector<std::byte>> read_file_bytes(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) return cannot("read", path, EISDIR);
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) return cannot("open", path, errno);
  // The announced size only steers the allocation limit; what counts is what read returns (pipes announce nothing).
  const uint64_t announced = std::filesystem::file_size(path, code);
  if (!code && announced >= kMaxFileBytes)
    return limit_exceeded("{}: has {} bytes, but files must stay below {}", path.string(), announced, kMaxFileBytes);
  std::vector<std::byte> bytes;
  while (true) {
    const size_t old = bytes.size(), step = std::max<size_t>(size_t{1} << 16, old);
    if (old >= kMaxFileBytes)
      return limit_exceeded("{}: has {} bytes, but files must stay below {}", path.string(), old, kMaxFileBytes);
    bytes.resize(old + step);
    const size_t got = std::fread(bytes.data() + old, 1, step, file.get());
    bytes.resize(old + got);
    if (got == step) continue;
    if (std::ferror(file.get())) return cannot("read", path, errno);
    return bytes;
  }
}

Status write_file_bytes(const std::filesystem::path& path, Bytes bytes) {
  std::filesystem::path partial = path;
  partial += ".partial";
  File file(std::fopen(partial.c_str(), "wb"));
  if (!file) return cannot("write", path, errno);
  // No bytes may come as a null pointer, which fwrite does not take.
  const bool written = bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  const int write_error = errno;
  const bool closed = std::fclose(file.release()) == 0;
  const int close_error = errno;
  std::error_code code;
  if (written && closed) std::filesystem::rename(partial, path, code);
  if (written && closed && !code) return {};
  const int reason = !written ? write_error : !closed ? close_error : code.value();
  std::filesystem::remove(partial, code);
  return cannot("write", path, reason);
}

std::string printable(std::string_view text) {
  constexpr size_t kMaxShown = 80;
  std::string shown;
  for (const char c : text.substr(0, kMaxShown)) {
    const bool plain = c >= 0x20 && c < 0x7f;
    shown += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text.size() > kMaxShown ? shown + "..." : shown;
}

float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits >> 15) << 31, exponent = (bits >> 10) & 31u,
                 mantissa = bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // zero or subnormal
  return sign ? -magnitude : magnitude;
}

Status check_dimensions(uint64_t rows, uint64_t columns) {
  if (rows > kMaxDimension) return limit_exceeded("has {} rows, but at most {} are read", rows, kMaxDimension);
  if (columns > kMaxDimension) return limit_exceeded("has {} columns, but at most {} are read", columns, kMaxDimension);
  return {};
}

}  // namespace espalier
