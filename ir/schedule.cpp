#include "ir/schedule.h"

#include <algorithm>
#include <charconv>

namespace espalier {
namespace {

template <typename Owner>
struct FieldInfo {
  std::string_view name;
  uint32_t Owner::* member;
  uint32_t most = 0x7fffffff;
};
constexpr FieldInfo<Schedule> kFields[] = {
    {"rows", &Schedule::tile_rows},       {"vectors", &Schedule::tile_vectors}, {"k", &Schedule::k_block},
    {"chunk", &Schedule::chunk_nonzeros}, {"pixels", &Schedule::pixel_block},
};
constexpr FieldInfo<SchedulePart> kPartFields[] = {
    {"least", &SchedulePart::least, 100},     {"rows", &SchedulePart::tile_rows},
    {"vectors", &SchedulePart::tile_vectors}, {"k", &SchedulePart::k_block},
    {"chunk", &SchedulePart::chunk_nonzeros},
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
  uint32_t most = 1;
};
constexpr SwitchInfo kSwitches[] = {
    {"prefetch", &Schedule::prefetch, 2}, {"cluster", &Schedule::cluster}, {"tail", &Schedule::tail}};

struct FormInfo {
  std::string_view name;
  CodeForm form;
};
constexpr FormInfo kForms[] = {{"auto", CodeForm::kChosen},
                               {"unrolled", CodeForm::kUnrolled},
                               {"nano", CodeForm::kNano},
                               {"loop", CodeForm::kLoop},
                               {"dense", CodeForm::kDense}};

Result<CodeForm> parse_form(std::string_view name) {
  const auto* known = std::find_if(std::begin(kForms), std::end(kForms), [&](auto& f) { return f.name == name; });
  if (known != std::end(kForms)) return known->form;
  return bad_input("unknown code form '{}', known forms are auto, unrolled, nano, loop, dense", name);
}

/// Whether one of `fields` has this name; if so, it is set.
template <typename Owner, size_t N>
Result<bool> set_number(Owner& owner, const FieldInfo<Owner> (&fields)[N], std::string_view name,
                        std::string_view value) {
  for (const FieldInfo<Owner>& field : fields) {
    if (field.name != name) continue;
    auto number = parse_number(name, value, 1, field.most);
    if (!number) return std::move(number).error();
    if (owner.*field.member != 0) return bad_input("schedule has field {} twice", name);
    owner.*field.member = *number;
    return true;
  }
  return false;
}

Status set_field(Schedule& schedule, std::string_view name, std::string_view value) {
  for (const SwitchInfo& field : kSwitches) {
    if (field.name != name) continue;
    auto number = parse_number(name, value, 0, field.most);
    if (!number) return std::move(number).error();
    if (schedule.*field.member != -1) return bad_input("schedule has field {} twice", name);
    if (name == "tail" && schedule.form != CodeForm::kUnrolled && schedule.form != CodeForm::kChosen)
      return bad_input("schedule has field tail with form {}, but only unrolled code leaves pixels to loops",
                       form_name(schedule.form));
    schedule.*field.member = static_cast<int32_t>(*number);
    if (schedule.fetches(Prefetch::kOwn) && schedule.form != CodeForm::kChosen && !has_pointers(schedule.form))
      return bad_input("schedule has prefetch=2 with form {}, but only nano and loop fetch the rows of their own tile",
                       form_name(schedule.form));
    return {};
  }
  const auto known = set_number(schedule, kFields, name, value);
  if (!known) return known.error();
  if (*known) return {};
  return bad_input(
      "schedule has no field '{}', known fields are rows, vectors, k, chunk, pixels, prefetch, cluster, tail", name);
}

Status set_field(SchedulePart& part, std::string_view name, std::string_view value) {
  if (name == "least" && part.form != CodeForm::kDense)
    return bad_input("schedule has field least in part {}, but only dense takes rows by it", form_name(part.form));
  const auto known = set_number(part, kPartFields, name, value);
  if (!known) return known.error();
  if (*known) return {};
  return bad_input("part of a schedule has no field '{}', known fields are least, rows, vectors, k, chunk", name);
}

/// What stands behind `form:` in `text`, field by field.
template <typename Owner>
Status set_fields(Owner& owner, std::string_view text, std::string_view fields) {
  while (true) {
    const size_t comma = fields.find(',');
    const std::string_view field = fields.substr(0, comma);
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos)
      return bad_input("schedule field '{}' has no value, write field=number", field);
    if (Status s = set_field(owner, field.substr(0, equals), field.substr(equals + 1)); !s) return s;
    if (comma == std::string_view::npos) return {};
    fields = fields.substr(comma + 1);
    if (fields.empty()) return bad_input("schedule '{}' ends after a comma", text);
  }
}

template <typename Owner>
Status parse_one(Owner& owner, std::string_view text) {
  const size_t colon = text.find(':');
  const auto form = parse_form(text.substr(0, colon));
  if (!form) return form.error();
  owner.form = *form;
  if (colon == std::string_view::npos) return {};
  if (colon + 1 == text.size()) return bad_input("schedule '{}' ends after the colon", text);
  return set_fields(owner, text, text.substr(colon + 1));
}

Status add_part(Schedule& schedule, std::string_view text) {
  SchedulePart part;
  if (Status s = parse_one(part, text); !s) return s;
  if (part.form != CodeForm::kDense && part.form != CodeForm::kNano)
    return bad_input("part of a schedule is {}, but must be dense or nano", form_name(part.form));
  for (const SchedulePart& other : schedule.parts)
    if (other.form == part.form) return bad_input("schedule has part {} twice", form_name(part.form));
  schedule.parts.push_back(part);
  return {};
}

/// Writes `name=value` after what separates it from the form or the field before.
class FieldPrinter {
 public:
  explicit FieldPrinter(CodeForm form) : text_(form_name(form)) {}
  template <typename Value>
  void add(std::string_view name, Value value, Value open) {
    if (value == open) return;
    text_ += fmt::format("{}{}={}", separator_, name, value);
    separator_ = ',';
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
  char separator_ = ':';
};

std::string text_of(const SchedulePart& part) {
  FieldPrinter printer(part.form);
  for (const auto& field : kPartFields) printer.add(field.name, part.*field.member, 0u);
  return std::move(printer).text();
}

}  // namespace

std::string_view form_name(CodeForm form) { return kForms[static_cast<size_t>(form)].name; }
std::string_view form_name(const Schedule& schedule) {
  return schedule.parts.empty() ? form_name(schedule.form) : "mixed";
}

Schedule schedule_of_part(const Schedule& schedule, size_t part) {
  Schedule own = schedule;
  own.parts.clear();
  if (part == schedule.parts.size()) return own;
  own.tail = -1;
  const SchedulePart& p = schedule.parts[part];
  own.form = p.form;
  own.tile_rows = p.tile_rows;
  own.tile_vectors = p.tile_vectors;
  own.k_block = p.k_block;
  own.chunk_nonzeros = p.chunk_nonzeros;
  return own;
}

bool sums_in_order(const Schedule& schedule) {
  auto is_nano = [](const auto& s) { return s.form == CodeForm::kNano; };
  return !is_nano(schedule) && std::none_of(schedule.parts.begin(), schedule.parts.end(), is_nano);
}

std::string to_string(const Schedule& schedule) {
  FieldPrinter printer(schedule.form);
  for (const auto& field : kFields) printer.add(field.name, schedule.*field.member, 0u);
  for (const SwitchInfo& field : kSwitches) printer.add(field.name, schedule.*field.member, -1);
  std::string text = std::move(printer).text();
  for (const SchedulePart& part : schedule.parts) (text += '+') += text_of(part);
  return text;
}

Result<Schedule> parse_schedule(std::string_view text) {
  Schedule schedule;
  size_t plus = text.find('+');
  if (Status s = parse_one(schedule, text.substr(0, plus)); !s) return std::move(s).error();
  while (plus != std::string_view::npos) {
    text = text.substr(plus + 1);
    plus = text.find('+');
    if (Status s = add_part(schedule, text.substr(0, plus)); !s) return std::move(s).error();
  }
  return schedule;
}

}  // namespace espalier
