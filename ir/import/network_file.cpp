#include "ir/import/network_file.h"

#include <algorithm>
#include <fstream>

#include "ir/import/onnx_network.h"
#include "ir/import/tflite_network.h"

namespace espalier {
namespace {

struct FormatRow {
  std::string_view magic;
  size_t magic_offset;
  std::string_view ending;
  Result<Network> (*parse)(std::string_view file_name, Bytes bytes);
};
constexpr FormatRow kFormats[] = {{"TFL3", 4, ".tflite", parse_tflite_network}, {"", 0, ".onnx", parse_onnx_network}};

bool has_magic(const FormatRow& row, std::string_view text) {
  return !row.magic.empty() && text.size() >= row.magic_offset && text.substr(row.magic_offset).starts_with(row.magic);
}

}  // namespace

bool is_network_file(const std::filesystem::path& path) {
  const std::string name = path.string();
  for (const FormatRow& row : kFormats)
    if (name.ends_with(row.ending)) return true;
  std::ifstream file(path, std::ios::binary);
  std::string head(16, 0);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  return std::any_of(std::begin(kFormats), std::end(kFormats), [&](const FormatRow& r) { return has_magic(r, head); });
}

Result<Network> parse_network(std::string_view file_name, Bytes bytes) {
  const std::string_view text = as_text(bytes);
  for (const FormatRow& row : kFormats)
    if (has_magic(row, text)) return row.parse(file_name, bytes);
  for (const FormatRow& row : kFormats)
    if (file_name.ends_with(row.ending)) return row.parse(file_name, bytes);
  return bad_input("{}: is of no known network format (.tflite, .onnx)", file_name);
}

Result<Network> read_network(const std::filesystem::path& path) {
  Result<std::vector<std::byte>> bytes = read_file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  return parse_network(path.string(), *bytes);
}

}  // namespace espalier
