#include "ir/import/matrix_market.h"

#include <algorithm>
#include <cctype>

#include "ir/import/text_lines.h"

namespace espalier {
namespace {

enum class Values { kReal, kInteger, kPattern };
enum class Symmetry { kGeneral, kSymmetric, kSkew };

struct Banner {
  bool array = false;
  Values values = Values::kReal;
  Symmetry symmetry = Symmetry::kGeneral;
};

struct Triplets {
  std::vector<uint32_t> rows, columns;
  std::vector<float> values;

  /// One entry, and its mirror where the file holds only a triangle.
  void add(uint64_t row, uint64_t column, float value, Symmetry symmetry) {
    push(row, column, value);
    if (symmetry != Symmetry::kGeneral && row != column)
      push(column, row, symmetry == Symmetry::kSkew ? -value : value);
  }
  void push(uint64_t row, uint64_t column, float value) {
    rows.push_back(static_cast<uint32_t>(row));
    columns.push_back(static_cast<uint32_t>(column));
    values.push_back(value);
  }
};

std::string lower(std::string_view word) {
  std::string text(word);
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

template <typename T, size_t N>
bool look_up(const std::pair<std::string_view, T> (&table)[N], std::string_view word, T& out) {
  for (const auto& [name, value] : table)
    if (name == word) return out = value, true;
  return false;
}

constexpr std::pair<std::string_view, bool> kFormats[] = {{"coordinate", false}, {"array", true}};
constexpr std::pair<std::string_view, Values> kFields[] = {
    {"real", Values::kReal}, {"double", Values::kReal}, {"integer", Values::kInteger}, {"pattern", Values::kPattern}};
constexpr std::pair<std::string_view, Symmetry> kSymmetries[] = {
    {"general", Symmetry::kGeneral}, {"symmetric", Symmetry::kSymmetric}, {"skew-symmetric", Symmetry::kSkew}};

Result<Banner> parse_banner(std::string_view line) {
  std::string words[5];
  std::string_view rest = line;
  for (std::string& word : words) word = lower(take_word(rest));
  if (words[0] != "%%matrixmarket" || words[1] != "matrix")
    return bad_input("line 1: is '{}', but must begin with '%%MatrixMarket matrix'", printable(line));
  Banner banner;
  if (!look_up(kFormats, words[2], banner.array))
    return bad_input("line 1: the format is '{}', but must be coordinate or array", printable(words[2]));
  if (words[3] == "complex") return unsupported("line 1: complex values are not read, only real, integer and pattern");
  if (words[4] == "hermitian")
    return unsupported("line 1: hermitian matrices are not read, only general, symmetric and skew-symmetric");
  if (!look_up(kFields, words[3], banner.values))
    return bad_input("line 1: the field is '{}', but must be real, integer or pattern", printable(words[3]));
  if (!look_up(kSymmetries, words[4], banner.symmetry))
    return bad_input("line 1: the symmetry is '{}', but must be general, symmetric or skew-symmetric",
                     printable(words[4]));
  if (banner.values == Values::kPattern && (banner.array || banner.symmetry == Symmetry::kSkew))
    return bad_input("line 1: a pattern cannot be {}", banner.array ? "an array" : "skew-symmetric");
  return banner;
}

class Parser {
 public:
  Parser(std::string_view text, uint64_t seed) : lines_(text), random_(seed), bytes_(text.size()) {}

  Result<SparseMatrix> parse() {
    Result<Banner> banner = parse_banner(lines_.next().value_or(""));
    if (!banner) return std::move(banner).error();
    banner_ = *banner;
    if (Status s = read_sizes(); !s) return std::move(s).error();
    if (Status s = banner_.array ? read_array() : read_coordinates(); !s) return std::move(s).error();
    if (next_content()) return error("has text behind the last of {} entries", entries_);
    return SparseMatrix::from_coo(static_cast<uint32_t>(rows_), static_cast<uint32_t>(columns_), triplets_.rows,
                                  triplets_.columns, triplets_.values);
  }

 private:
  template <typename... Args>
  Error error(fmt::format_string<Args...> format, Args&&... args) const {
    return bad_input(format, std::forward<Args>(args)...).in(fmt::format("line {}", lines_.number()));
  }

  /// Moves line_ to the next line that is neither blank nor a comment.
  bool next_content() {
    while (const std::optional<std::string_view> line = lines_.next()) {
      line_ = *line;
      const size_t first = line_.find_first_not_of(" \t");
      if (first != std::string_view::npos && line_[first] != '%') return true;
    }
    return false;
  }

  Status read_sizes() {
    if (!next_content()) return error("the file ends before its sizes");
    uint64_t* const wanted[] = {&rows_, &columns_, &entries_};
    if (Status s = read_numbers(std::span(wanted, banner_.array ? 2 : 3)); !s) return s;
    if (Status s = end_of_line(); !s) return s;
    if (Status s = check_dimensions(rows_, columns_); !s)
      return std::move(s).error().in(fmt::format("line {}", lines_.number()));
    const bool triangle = banner_.symmetry != Symmetry::kGeneral;
    if (triangle && rows_ != columns_)
      return error("a symmetric matrix must be square, but this one is {} x {}", rows_, columns_);
    if (banner_.array) {
      const uint64_t skew = banner_.symmetry == Symmetry::kSkew ? rows_ : 0;
      entries_ = triangle ? rows_ * (rows_ + 1) / 2 - skew : rows_ * columns_;
    }
    // An entry takes at least `1 1` or `0`, and a line end; so this file cannot hold more than that.
    const uint64_t most = (bytes_ + 1) / (banner_.array ? 2 : 4);
    if (entries_ > most)
      return error("announces {} entries, but a file of {} bytes holds at most {}", entries_, bytes_, most);
    return {};
  }

  Status read_numbers(std::span<uint64_t* const> targets) {
    for (uint64_t* target : targets) {
      const std::string_view word = take_word(line_);
      const std::optional<uint64_t> value = to_number<uint64_t>(word);
      if (!value) return error("'{}' is not a whole number of at least 0", printable(word));
      *target = *value;
    }
    return {};
  }

  Status end_of_line() {
    const std::string_view word = take_word(line_);
    if (!word.empty()) return error("has '{}' behind its last number", printable(word));
    return {};
  }

  Result<float> read_value() {
    if (banner_.values == Values::kPattern) return random_.weight();
    const std::string_view word = take_word(line_);
    if (banner_.values == Values::kInteger) {
      const std::optional<int64_t> value = to_number<int64_t>(word);
      if (!value) return error("'{}' is not a whole number", printable(word));
      return static_cast<float>(*value);
    }
    const std::optional<double> value = to_number<double>(word);
    if (!value) return error("'{}' is not a number", printable(word));
    return static_cast<float>(*value);
  }

  /// Indices count from 1 in the file.
  Status check_index(uint64_t index, uint64_t size, std::string_view axis) const {
    if (index >= 1 && index <= size) return {};
    return error("{} {} is outside of 1..{}", axis, index, size);
  }

  Status check_triangle(uint64_t row, uint64_t column) const {
    if (banner_.symmetry == Symmetry::kGeneral || row > column) return {};
    if (row == column && banner_.symmetry == Symmetry::kSymmetric) return {};
    return error("row {}, column {} is not in the lower triangle, which {} files hold", row, column,
                 banner_.symmetry == Symmetry::kSkew ? "skew-symmetric" : "symmetric");
  }

  Status read_coordinates() {
    for (uint64_t i = 0; i < entries_; ++i) {
      if (!next_content()) return error("the file ends after {} of {} entries", i, entries_);
      uint64_t row = 0, column = 0;
      uint64_t* const wanted[] = {&row, &column};
      if (Status s = read_numbers(wanted); !s) return s;
      if (Status s = check_index(row, rows_, "row"); !s) return s;
      if (Status s = check_index(column, columns_, "column"); !s) return s;
      if (Status s = check_triangle(row, column); !s) return s;
      if (Status s = add(row - 1, column - 1); !s) return s;
    }
    return {};
  }

  /// Column by column; of symmetric matrices the lower triangle, of skew-symmetric ones without the diagonal.
  Status read_array() {
    uint64_t read = 0;
    for (uint64_t column = 0; column < columns_ && read < entries_; ++column) {
      const uint64_t first = banner_.symmetry == Symmetry::kGeneral ? 0
                             : banner_.symmetry == Symmetry::kSkew  ? column + 1
                                                                    : column;
      for (uint64_t row = first; row < rows_; ++row, ++read) {
        if (!next_content()) return error("the file ends after {} of {} entries", read, entries_);
        if (Status s = add(row, column); !s) return s;
      }
    }
    return {};
  }

  Status add(uint64_t row, uint64_t column) {
    Result<float> value = read_value();
    if (!value) return std::move(value).error();
    if (Status s = end_of_line(); !s) return s;
    triplets_.add(row, column, *value, banner_.symmetry);
    return {};
  }

  TextLines lines_;
  SeededRandom random_;
  uint64_t bytes_;
  std::string_view line_;
  Banner banner_;
  uint64_t rows_ = 0, columns_ = 0, entries_ = 0;
  Triplets triplets_;
};

}  // namespace

Result<NamedMatrix> parse_mtx(std::string_view file_name, Bytes bytes, uint64_t seed) {
  Result<SparseMatrix> matrix = Parser(as_text(bytes), seed).parse();
  if (!matrix) return std::move(matrix).error().in(file_name);
  return NamedMatrix{std::filesystem::path(file_name).stem().string(), *std::move(matrix), {}, {}, 0, "matrix"};
}

}  // namespace espalier
