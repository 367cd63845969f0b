#include "ir/schedule.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace espalier {
namespace {

struct FieldInfo {
  std::string_view name;
  uint32_t Schedule::* member;
};
constexpr FieldInfo kFields[] = {
    {"rows", &Schedule::tile_rows},       {"vectors", &Schedule::tile_vectors}, {"k", &Schedule::k_block},
    {"chunk", &Schedule::chunk_nonzeros}, {"pixels", &Schedule::pixel_block},
};

Result<uint32_t> parse_number(std::string_view field, std::string_view text, uint32_t low, uint32_t high) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    return bad_input("schedule field {} is '{}', but must be a number in {}..{}", field, text, low, high);
  return value;
}

struct SwitchInfo {
  std::string_view name;
  int32_t Schedule::* member;
};
constexpr SwitchInfo kSwitches[] = {{"prefetch", &Schedule::prefetch}, {"cluster", &Schedule::cluster}};

struct FormInfo {
  std::string_view name;
  CodeForm form;
};
constexpr FormInfo kForms[] = {{"auto", CodeForm::kChosen},
                               {"unrolled", CodeForm::kUnrolled},
                               {"nano", CodeForm::kNano},
                               {"loop", CodeForm::kLoop},
                               {"dense", CodeForm::kDense}};

Status set_field(Schedule& schedule, std::string_view name, std::string_view value) {
  for (const SwitchInfo& field : kSwitches) {
    if (field.name != name) continue;
    auto number = parse_number(name, value, 0, 1);
    if (!number) return std::move(number).error();
    if (schedule.*field.member != -1) return bad_input("schedule has field {} twice", name);
    schedule.*field.member = static_cast<int32_t>(*number);
    return {};
  }
  for (const FieldInfo& field : kFields) {
    if (field.name != name) continue;
    auto number = parse_number(name, value, 1, 0x7fffffff);
    if (!number) return std::move(number).error();
    if (schedule.*field.member != 0) return bad_input("schedule has field {} twice", name);
    schedule.*field.member = *number;
    return {};
  }
  return bad_input("schedule has no field '{}', known fields are rows, vectors, k, chunk, pixels, prefetch, cluster", name);
}

}  // namespace

std::string_view form_name(CodeForm form) { return kForms[static_cast<size_t>(form)].name; }

std::string to_string(const Schedule& schedule) {
  std::string text(form_name(schedule.form));
  char separator = ':';
  auto add = [&](std::string_view name, auto value) {
    text += fmt::format("{}{}={}", separator, name, value);
    separator = ',';
  };
  for (const FieldInfo& field : kFields)
    if (schedule.*field.member != 0) add(field.name, schedule.*field.member);
  for (const SwitchInfo& field : kSwitches)
    if (schedule.*field.member != -1) add(field.name, schedule.*field.member);
  return text;
}

Result<Schedule> parse_schedule(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view form = text.substr(0, colon);
  Schedule schedule;
  const auto* known = std::find_if(std::begin(kForms), std::end(kForms), [&](auto& f) { return f.name == form; });
  if (known == std::end(kForms))
    return bad_input("unknown code form '{}', known forms are auto, unrolled, nano, loop, dense", form);
  schedule.form = known->form;
  std::string_view rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (colon != std::string_view::npos && rest.empty()) return bad_input("schedule '{}' ends after the colon", text);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view field = rest.substr(0, comma);
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos)
      return bad_input("schedule field '{}' has no value, write field=number", field);
    if (Status s = set_field(schedule, field.substr(0, equals), field.substr(equals + 1)); !s)
      return std::move(s).error();
    if (comma == std::string_view::npos) break;
    rest = rest.substr(comma + 1);
    if (rest.empty()) return bad_input("schedule '{}' ends after a comma", text);
  }
  return schedule;
}

}  // namespace espalier
