#include "codegen/layers/pixel_runs.h"

#include <algorithm>
#include <map>

namespace espalier {
namespace {

/// More kinds of runs than this would cost more code than they gain.
constexpr size_t kMostClasses = 6;

/// Whether all operands stand one element, or as before, further on at pixel p + 1; `stays` says which, or learns it.
bool goes_on(const ElementLoop& loop, uint64_t p, bool is_first, std::vector<bool>& stays) {
  if (loop.output.at(p + 1) != loop.output.at(p) + 1) return false;
  for (size_t i = 0; i < loop.inputs.size(); ++i) {
    const int64_t advance = loop.inputs[i].at(p + 1) - loop.inputs[i].at(p);
    if (advance != 0 && advance != 1) return false;
    if (!is_first && stays[i] != (advance == 0)) return false;
  }
  if (!is_first) return true;
  for (size_t i = 0; i < loop.inputs.size(); ++i) stays[i] = loop.inputs[i].at(p + 1) == loop.inputs[i].at(p);
  return true;
}

using Key = std::pair<std::vector<bool>, uint64_t>;
using Runs = std::map<Key, std::vector<uint64_t>>;

Runs all_runs(const ElementLoop& loop, uint64_t longest) {
  Runs runs;
  for (uint64_t begin = 0; begin < loop.pixels;) {
    std::vector<bool> stays(loop.inputs.size(), false);
    uint64_t end = begin + 1;
    while (end < loop.pixels && end - begin < longest && goes_on(loop, end - 1, end == begin + 1, stays)) ++end;
    runs[{stays, end - begin}].push_back(begin);
    begin = end;
  }
  return runs;
}

/// Whole vectors and single elements only.
Runs cut(const Runs& runs, uint32_t lanes) {
  Runs pieces;
  for (const auto& [key, begins] : runs)
    for (const uint64_t begin : begins) {
      const uint64_t whole = key.second / lanes * lanes;
      for (uint64_t at = 0; at < whole; at += lanes) pieces[{key.first, lanes}].push_back(begin + at);
      const std::vector<bool> none(key.first.size(), false);
      for (uint64_t at = whole; at < key.second; ++at) pieces[{none, 1}].push_back(begin + at);
    }
  return pieces;
}

}  // namespace

std::vector<RunClass> pixel_runs(const ElementLoop& loop, uint64_t longest, uint32_t lanes) {
  Runs runs = all_runs(loop, longest);
  if (runs.size() > kMostClasses) runs = cut(runs, lanes);
  std::vector<RunClass> classes;
  for (auto& [key, begins] : runs) {
    std::ranges::sort(begins);
    classes.push_back({key.second, key.first, std::move(begins)});
  }
  return classes;
}

RunBegins::RunBegins(LoopBuilder& builder, const ElementOperand& operand, const std::vector<uint64_t>& pixels)
    : first_(operand.at(pixels[0])) {
  if (pixels.size() > 1) step_ = operand.at(pixels[1]) - first_;
  const auto is_linear = [&](size_t i) { return operand.at(pixels[i]) == first_ + static_cast<int64_t>(i) * step_; };
  size_t linear = 0;
  while (linear < pixels.size() && is_linear(linear)) ++linear;
  if (linear == pixels.size()) return;
  std::vector<int32_t> entries;
  for (const uint64_t p : pixels) entries.push_back(static_cast<int32_t>(operand.at(p)));
  table_ = builder.add_table(entries);
}

Affine RunBegins::at(LoopBuilder& builder, const Affine& run) const {
  if (table_ < 0) return Affine(first_) + run * step_;
  return builder.load_index(Affine(table_) + run);
}

Share share_of(LoopBuilder& builder, uint64_t count, uint32_t items) {
  const auto n = static_cast<int64_t>(count);
  const Index item = builder.item();
  if (items == 1) return {0, n};
  if (count == items) return {item, builder.index(Affine(item) + Affine(1))};
  const Index begin = builder.divide(builder.index(Affine(item) * n), items);
  return {begin, builder.divide(builder.index(Affine(item) * n + Affine(n)), items)};
}

void loop_over_share(LoopBuilder& builder, uint64_t count, uint32_t items, const std::function<void(Index)>& body) {
  if (count == items && items > 1) return body(builder.item());
  const Share share = share_of(builder, count, items);
  builder.loop(share.begin, share.end, 1, body);
}

}  // namespace espalier
