// Lines, words and numbers of text files.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

#include "ir/import/bytes.h"

namespace espalier {

/// Walks over lines; CR LF ends one, too. `number()` counts from 1 and belongs to the line that next() returned last.
class TextLines {
 public:
  explicit TextLines(std::string_view text) : rest_(text) {}
  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return line;
  }
  uint64_t number() const { return number_; }

 private:
  std::string_view rest_;
  uint64_t number_ = 0;
};

/// Takes the next word off `line`; words end at blanks and tabs and, if `commas`, at commas. Empty at the end.
inline std::string_view take_word(std::string_view& line, bool commas = false) {
  const std::string_view separators = commas ? " \t," : " \t";
  line.remove_prefix(std::min(line.find_first_not_of(separators), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(separators));
  line.remove_prefix(word.size());
  return word;
}

/// The whole word as a number, or nothing. A leading '+' is allowed, as in Fortran's output.
template <typename T>
std::optional<T> to_number(std::string_view word) {
  if (word.size() > 1 && word[0] == '+' && word[1] != '-') word.remove_prefix(1);
  T value{};
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (code != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace espalier
