// Errors as values: whose fault it was, and a message for a person.
#pragma once

#include <fmt/format.h>

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace espalier {

/// Whose fault an error is. The command line turns the kind into its exit code (docs/cli.md).
enum class ErrorKind {
  kBadInput,     ///< a file or an argument breaks a rule; the message names file, place, rule and both values
  kLimit,        ///< well formed, but larger than a stated limit
  kUnsupported,  ///< well formed, but Espalier has no code for it; the message names it and what would help
  kSystem,       ///< the operating system refused (cannot open, disk full)
  kInternal,     ///< our bug
};

/// One failure. Messages are lower case, without a full stop: `conv3.npz: row 17 has column 512, but the matrix has
/// 512 columns (0..511)`.
struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;

  /// The same error with `prefix: ` in front of its message (the place it happened in).
  Error in(std::string_view prefix) && { return {kind, fmt::format("{}: {}", prefix, message)}; }
};

template <typename... Args>
Error bad_input(fmt::format_string<Args...> format, Args&&... args) {
  return {ErrorKind::kBadInput, fmt::format(format, std::forward<Args>(args)...)};
}
template <typename... Args>
Error limit_exceeded(fmt::format_string<Args...> format, Args&&... args) {
  return {ErrorKind::kLimit, fmt::format(format, std::forward<Args>(args)...)};
}
template <typename... Args>
Error unsupported(fmt::format_string<Args...> format, Args&&... args) {
  return {ErrorKind::kUnsupported, fmt::format(format, std::forward<Args>(args)...)};
}
template <typename... Args>
Error system_error(fmt::format_string<Args...> format, Args&&... args) {
  return {ErrorKind::kSystem, fmt::format(format, std::forward<Args>(args)...)};
}
template <typename... Args>
Error internal_error(fmt::format_string<Args...> format, Args&&... args) {
  return {ErrorKind::kInternal, fmt::format(format, std::forward<Args>(args)...)};
}

/// A value or an Error. `Result<T> r = f(); if (!r) return std::move(r).error(); use(*r);`
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success or an Error, for functions that return nothing.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)), ok_(false) {}

  explicit operator bool() const { return ok_; }
  const Error& error() const& { return error_; }
  Error error() && { return std::move(error_); }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace espalier
