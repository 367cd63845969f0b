#include "ir/import/npy_header.h"

#include <charconv>

namespace espalier {
namespace {

constexpr size_t kMaxRank = 32;  // NumPy's own limit

/// A cursor over the dictionary's text. Every step either consumes something or reports an error.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  Result<NpyHeader> parse() {
    if (!take('{')) return expected("'{'");
    while (!take('}')) {
      if (Status s = entry(); !s) return std::move(s).error();
      if (take(',')) continue;
      if (!take('}')) return expected("',' or '}'");
      break;
    }
    skip_spaces();
    if (at_ != text_.size()) return expected("the end");
    static constexpr std::string_view kKeys[] = {"descr", "fortran_order", "shape"};
    for (size_t i = 0; i < 3; ++i)
      if (!seen_[i]) return bad_input("the header lacks the key '{}'", kKeys[i]);
    return std::move(header_);
  }

 private:
  Status entry() {
    Result<std::string> key = quoted("a quoted key");
    if (!key) return std::move(key).error();
    if (!take(':')) return expected("':'");
    const int index = *key == "descr" ? 0 : *key == "fortran_order" ? 1 : *key == "shape" ? 2 : -1;
    if (index < 0)
      return bad_input("the header has the key '{}', but only descr, fortran_order and shape are defined",
                       printable(*key));
    if (seen_[index]) return bad_input("the header has the key '{}' twice", *key);
    seen_[index] = true;
    return index == 0 ? descr() : index == 1 ? fortran_order() : shape();
  }

  Status descr() {
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == '[')
      return unsupported("structured arrays are not read, only plain numbers; save the field that is wanted by itself");
    Result<std::string> value = quoted("a quoted type");
    if (!value) return std::move(value).error();
    header_.descr = std::move(*value);
    return {};
  }

  Status fortran_order() {
    skip_spaces();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      header_.fortran_order = value;
      return {};
    }
    return expected("True or False");
  }

  Status shape() {
    if (!take('(')) return expected("'('");
    while (!take(')')) {
      Result<uint64_t> size = dimension();
      if (!size) return std::move(size).error();
      header_.shape.push_back(*size);
      if (header_.shape.size() > kMaxRank) return limit_exceeded("the shape has more than {} dimensions", kMaxRank);
      if (take(',')) continue;
      if (!take(')')) return expected("',' or ')'");
      break;
    }
    return {};
  }

  Result<uint64_t> dimension() {
    skip_spaces();
    const size_t begin = at_;
    if (at_ < text_.size() && text_[at_] == '-') ++at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    const std::string_view digits = text_.substr(begin, at_ - begin);
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers so
    uint64_t value = 0;
    const size_t index = header_.shape.size();
    if (digits.size() > 1 && digits[0] == '-')
      return bad_input("dimension {} of the shape is {}, but must not be negative", index, printable(digits));
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (code == std::errc::result_out_of_range)
      return bad_input("dimension {} of the shape is {}, but must be below 2^64", index, printable(digits));
    if (code != std::errc() || end != digits.data() + digits.size()) return expected("a number");
    return value;
  }

  Result<std::string> quoted(std::string_view what) {
    skip_spaces();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return expected(what);
    const size_t close = text_.find(text_[at_], at_ + 1);
    if (close == std::string_view::npos) return expected("a closing quote");
    std::string value(text_.substr(at_ + 1, close - at_ - 1));
    at_ = close + 1;
    return value;
  }

  Error expected(std::string_view what) {
    skip_spaces();
    const std::string found = at_ < text_.size() ? fmt::format("'{}'", printable(text_.substr(at_, 1))) : "the end";
    return bad_input("byte {} of the header is {}, but {} must stand there", at_, found, what);
  }

  bool take(char wanted) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool seen_[3] = {false, false, false};
  NpyHeader header_;
};

}  // namespace

Result<NpyHeader> parse_npy_header(std::string_view text) { return HeaderParser(text).parse(); }

}  // namespace espalier
