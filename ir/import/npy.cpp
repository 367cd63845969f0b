#include "ir/import/npy.h"

#include <algorithm>
#include <charconv>

#include "ir/import/npy_header.h"

namespace espalier {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr uint32_t kMaxHeaderBytes = 1u << 16;

template <typename T>
float as_float(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return static_cast<float>(value);
}
float half_as_float(const std::byte* at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof(bits));
  return half_to_float(bits);
}
float bool_as_float(const std::byte* at) { return *at == std::byte{0} ? 0.0f : 1.0f; }

template <typename T>
int64_t as_integer(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return static_cast<int64_t>(value);  // u8 beyond 2^63 - 1 turns negative; integers() refuses it
}

/// One row per NpyType, in its order.
struct TypeRow {
  std::string_view code;
  uint32_t bytes;
  float (*to_float)(const std::byte*);
  int64_t (*to_integer)(const std::byte*);
};
constexpr TypeRow kTypes[] = {
    {"f2", 2, half_as_float, nullptr},
    {"f4", 4, as_float<float>, nullptr},
    {"f8", 8, as_float<double>, nullptr},
    {"i1", 1, as_float<int8_t>, as_integer<int8_t>},
    {"u1", 1, as_float<uint8_t>, as_integer<uint8_t>},
    {"i2", 2, as_float<int16_t>, as_integer<int16_t>},
    {"u2", 2, as_float<uint16_t>, as_integer<uint16_t>},
    {"i4", 4, as_float<int32_t>, as_integer<int32_t>},
    {"u4", 4, as_float<uint32_t>, as_integer<uint32_t>},
    {"i8", 8, as_float<int64_t>, as_integer<int64_t>},
    {"u8", 8, as_float<uint64_t>, as_integer<uint64_t>},
    {"b1", 1, bool_as_float, as_integer<uint8_t>},
    {"S", 0, nullptr, nullptr},
    {"U", 0, nullptr, nullptr},
};
const TypeRow& row_of(NpyType type) { return kTypes[static_cast<size_t>(type)]; }

struct ElementType {
  NpyType type;
  uint32_t item_bytes;
  bool big_endian;
};

/// `S3`, `U3`: text of a fixed number of characters.
bool text_type(std::string_view code, ElementType& out) {
  uint32_t length = 0;
  const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), length);
  if (error != std::errc() || end != code.data() + code.size() || length > 256) return false;
  out.type = code[0] == 'S' ? NpyType::kBytes : NpyType::kUnicode;
  out.item_bytes = code[0] == 'S' ? length : length * 4;
  return true;
}

Result<ElementType> element_type(std::string_view descr) {
  const std::string shown = printable(descr);
  if (descr.find('O') != std::string_view::npos)
    return unsupported("element type '{}' holds pickled Python objects, which are never run; save numbers instead",
                       shown);
  std::string_view code = descr;
  ElementType element{NpyType::kF4, 0, false};
  if (!code.empty() && std::string_view("<>|=").find(code[0]) != std::string_view::npos) {
    element.big_endian = code[0] == '>';
    code.remove_prefix(1);
  }
  for (size_t i = 0; i < static_cast<size_t>(NpyType::kBytes); ++i) {
    if (code != kTypes[i].code) continue;
    element.type = static_cast<NpyType>(i);
    element.item_bytes = kTypes[i].bytes;
    return element;
  }
  if (!code.empty() && (code[0] == 'S' || code[0] == 'U') && text_type(code, element)) return element;
  return unsupported("element type '{}' is not read, only f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 and b1", shown);
}

void swap_bytes(std::span<std::byte> data, size_t unit) {
  for (size_t i = 0; i + unit <= data.size(); i += unit) std::reverse(data.begin() + i, data.begin() + i + unit);
}

/// Elements from Fortran to C order. Element (i0, i1, ...) lies at sum of i_d * product of the sizes before d.
std::vector<std::byte> to_c_order(std::span<const uint64_t> shape, uint32_t item_bytes, Bytes data) {
  std::vector<std::byte> result(data.size());
  std::vector<uint64_t> stride(shape.size(), item_bytes), index(shape.size(), 0);
  for (size_t d = 1; d < shape.size(); ++d) stride[d] = stride[d - 1] * shape[d - 1];
  uint64_t from = 0;
  for (size_t to = 0; to < data.size(); to += item_bytes) {
    std::memcpy(result.data() + to, data.data() + from, item_bytes);
    for (size_t d = shape.size(); d-- > 0;) {
      from += stride[d];
      if (++index[d] < shape[d]) break;
      from -= stride[d] * shape[d];
      index[d] = 0;
    }
  }
  return result;
}

struct HeaderPlace {
  size_t begin;
  size_t bytes;
};

Result<HeaderPlace> header_place(Bytes bytes) {
  if (bytes.size() < kMagic.size() || as_text(bytes).substr(0, kMagic.size()) != kMagic)
    return bad_input("begins with '{}', but an .npy file begins with '{}'",
                     printable(as_text(bytes).substr(0, kMagic.size())), printable(kMagic));
  if (bytes.size() < 10) return bad_input("ends after {} bytes, but an .npy header takes at least 10", bytes.size());
  const auto version = std::to_integer<unsigned>(bytes[6]);
  if (version < 1 || version > 3) return unsupported("is of .npy version {}, but only 1, 2 and 3 are known", version);
  if (version == 1) return HeaderPlace{10, load_little<uint16_t>(bytes, 8)};
  if (bytes.size() < 12) return bad_input("ends after {} bytes, but an .npy header takes at least 12", bytes.size());
  return HeaderPlace{12, load_little<uint32_t>(bytes, 8)};
}

Result<NpyArray> parse(Bytes bytes) {
  Result<HeaderPlace> place = header_place(bytes);
  if (!place) return std::move(place).error();
  if (place->bytes > bytes.size() - place->begin)
    return bad_input("the header announces {} bytes, but only {} follow", place->bytes, bytes.size() - place->begin);
  if (place->bytes > kMaxHeaderBytes)
    return limit_exceeded("the header has {} bytes, but at most {} are read", place->bytes, kMaxHeaderBytes);
  Result<NpyHeader> header = parse_npy_header(as_text(bytes.subspan(place->begin, place->bytes)));
  if (!header) return std::move(header).error();
  Result<ElementType> element = element_type(header->descr);
  if (!element) return std::move(element).error();

  uint64_t needed = element->item_bytes;
  for (const uint64_t size : header->shape) needed = saturating_product(needed, size);
  const bool empty = std::find(header->shape.begin(), header->shape.end(), 0u) != header->shape.end();
  if (empty) needed = 0;
  const Bytes data = bytes.subspan(place->begin + place->bytes);
  if (data.size() != needed)
    return bad_input("has {} bytes of data, but shape {} of '{}' needs {}", data.size(), shape_text(header->shape),
                     header->descr, needed == UINT64_MAX ? "more than 2^64" : std::to_string(needed));
  NpyArray array{element->type, element->item_bytes, std::move(header->shape), {data.begin(), data.end()}};
  if (element->big_endian && array.type != NpyType::kBytes)
    swap_bytes(array.data, array.type == NpyType::kUnicode ? 4 : array.item_bytes);
  if (header->fortran_order && array.shape.size() > 1)
    array.data = to_c_order(array.shape, array.item_bytes, array.data);
  return array;
}

}  // namespace

NpyArray NpyArray::from_floats(std::vector<uint64_t> shape, std::span<const float> values) {
  const Bytes bytes = std::as_bytes(values);
  return {NpyType::kF4, 4, std::move(shape), {bytes.begin(), bytes.end()}};
}

Result<std::vector<float>> NpyArray::floats() const {
  if (!is_number()) return bad_input("holds text, but numbers are needed");
  std::vector<float> values(elements());
  const auto convert = row_of(type).to_float;
  for (size_t i = 0; i < values.size(); ++i) values[i] = convert(data.data() + i * item_bytes);
  return values;
}

uint64_t NpyArray::nonzeros() const {
  uint64_t count = 0;
  if (const auto convert = row_of(type).to_float; convert != nullptr)
    for (size_t i = 0; i < data.size(); i += item_bytes) count += convert(data.data() + i) != 0.0f;
  return count;
}

Result<std::vector<int64_t>> NpyArray::integers() const {
  const auto convert = row_of(type).to_integer;
  if (convert == nullptr) return bad_input("has elements of type '{}', but integers are needed", row_of(type).code);
  std::vector<int64_t> values(elements());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = convert(data.data() + i * item_bytes);
    if (type == NpyType::kU8 && values[i] < 0)
      return bad_input("element {} is {}, but must be below 2^63", i, static_cast<uint64_t>(values[i]));
  }
  return values;
}

Result<std::string> NpyArray::text() const {
  if (is_number()) return bad_input("has elements of type '{}', but text is needed", row_of(type).code);
  if (elements() != 1) return bad_input("has {} texts, but must have 1", elements());
  std::string value;
  const size_t step = type == NpyType::kUnicode ? 4 : 1;
  for (size_t i = 0; i < data.size(); i += step) {
    const auto c = std::to_integer<unsigned char>(data[i]);
    if (c != 0) value += static_cast<char>(c);
  }
  return value;
}

Result<NpyArray> parse_npy(std::string_view file_name, Bytes bytes) {
  Result<NpyArray> array = parse(bytes);
  if (!array) return std::move(array).error().in(file_name);
  return array;
}

Result<NpyArray> read_npy(const std::filesystem::path& path) {
  Result<std::vector<std::byte>> bytes = read_file_bytes(path);
  if (!bytes) return std::move(bytes).error();
  return parse_npy(path.string(), *bytes);
}

std::string shape_text(std::span<const uint64_t> shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

std::vector<std::byte> npy_bytes(const NpyArray& array) {
  std::string code(row_of(array.type).code);
  if (!array.is_number())
    code += std::to_string(array.type == NpyType::kUnicode ? array.item_bytes / 4 : array.item_bytes);
  const char order = array.item_bytes == 1 || array.type == NpyType::kBytes ? '|' : '<';
  std::string header =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': {}, }}", order, code, shape_text(array.shape));
  const size_t unpadded = kMagic.size() + 4 + header.size() + 1;
  header.append((64 - unpadded % 64) % 64, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  std::string head(kMagic);
  head += '\x01';
  head += '\0';
  head += static_cast<char>(length & 255);
  head += static_cast<char>(length >> 8);
  head += header;
  const Bytes head_bytes = as_byte_span(head);
  std::vector<std::byte> bytes(head_bytes.begin(), head_bytes.end());
  bytes.insert(bytes.end(), array.data.begin(), array.data.end());
  return bytes;
}

Status write_npy(const std::filesystem::path& path, const NpyArray& array) {
  return write_file_bytes(path, npy_bytes(array));
}

}  // namespace espalier
