#include "ir/import/network_file.h"

#include "ir/import/tflite_network.h"

namespace espalier {
namespace {

struct FormatRow {
  std::string_view magic;
  size_t magic_offset;
  std::string_view ending;
  Result<Network> (*parse)(std::string_view file_name, Bytes bytes);
};
constexpr FormatRow kFormats[] = {{"TFL3", 4, ".tflite", parse_tflite_network}};

}  // namespace

Result<Network> parse_network(std::string_view file_name, Bytes bytes) {
  const std::string_view text = as_text(bytes);
  for (const FormatRow& row : kFormats)
    if (text.size() >= row.magic_offset && text.substr(row.magic_offset).starts_with(row.magic))
      return row.parse(file_name, bytes);
  for (const FormatRow& row : kFormats)
    if (file_name.ends_with(row.ending)) return row.parse(file_name, bytes);
  return bad_input("{}: is of no known network format (.tflite)", file_name);
}

Result<Network> read_network(const std::filesystem::path& path) {
  Result<std::vector<std::byte>> bytes = read_file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  return parse_network(path.string(), *bytes);
}

}  // namespace espalier
