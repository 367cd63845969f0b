#include "ir/import/matrix_market.h"
#include "ir/import/text_lines.h"

namespace espalier {
namespace {

/// The next line's numbers; `count` of them, each at most 2^63 - 1. The count is announced, so nothing is reserved for
/// it.
Result<std::vector<uint64_t>> read_line(TextLines& lines, uint64_t count, std::string_view what) {
  const std::optional<std::string_view> found = lines.next();
  std::string_view rest = found.value_or("");
  const uint64_t number = found ? lines.number() : lines.number() + 1;
  std::vector<uint64_t> values;
  for (std::string_view word = take_word(rest, true); !word.empty(); word = take_word(rest, true)) {
    const std::optional<uint64_t> value = to_number<uint64_t>(word);
    if (!value) return bad_input("line {}: '{}' is not a whole number of at least 0", number, printable(word));
    values.push_back(*value);
  }
  if (values.size() != count)
    return bad_input("line {}: has {} numbers, but {} {} are needed", number, values.size(), count, what);
  return values;
}

Result<SparseMatrix> parse(std::string_view text, uint64_t seed) {
  TextLines lines(text);
  Result<std::vector<uint64_t>> sizes = read_line(lines, 3, "(rows, columns, nonzeros)");
  if (!sizes) return std::move(sizes).error();
  const uint64_t rows = (*sizes)[0], columns = (*sizes)[1], nonzeros = (*sizes)[2];
  if (Status s = check_dimensions(rows, columns); !s) return std::move(s).error();
  Result<std::vector<uint64_t>> offsets = read_line(lines, rows + 1, "row offsets");
  if (!offsets) return std::move(offsets).error();
  Result<std::vector<uint64_t>> indices = read_line(lines, nonzeros, "column indices");
  if (!indices) return std::move(indices).error();
  while (const std::optional<std::string_view> line = lines.next()) {
    std::string_view rest = *line;
    if (!take_word(rest).empty()) return bad_input("line {}: has text, but an .smtx file has 3 lines", lines.number());
  }
  SeededRandom random(seed);
  std::vector<uint32_t> narrow;
  std::vector<float> values;
  for (const uint64_t column : *indices) {
    narrow.push_back(static_cast<uint32_t>(std::min<uint64_t>(column, UINT32_MAX)));  // from_csr refuses it
    values.push_back(random.weight());
  }
  return SparseMatrix::from_csr(static_cast<uint32_t>(rows), static_cast<uint32_t>(columns), *std::move(offsets),
                                std::move(narrow), std::move(values));
}

}  // namespace

Result<NamedMatrix> parse_smtx(std::string_view file_name, Bytes bytes, uint64_t seed) {
  Result<SparseMatrix> matrix = parse(as_text(bytes), seed);
  if (!matrix) return std::move(matrix).error().in(file_name);
  return NamedMatrix{std::filesystem::path(file_name).stem().string(), *std::move(matrix), {}, {}, 0, "matrix"};
}

}  // namespace espalier
