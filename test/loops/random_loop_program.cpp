#include "test/loops/random_loop_program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <optional>

#include "codegen/layers/loop_builder.h"
#include "ir/kernel_spec.h"

namespace espalier::test {
namespace {

constexpr int64_t kSlice = 300;  ///< elements of y, and of x0 in place, that belong to one item
constexpr int64_t kX0 = 900, kX1 = 200, kWeights = 150, kScratch = 64;
constexpr int kInput = 2;     ///< |inputs| < 2^kInput
constexpr int kMost = 20;     ///< |values| < 2^kMost, so that rounding is defined and nothing becomes infinite
constexpr int kMostTerm = 9;  ///< of what is added to accumulators, at most 2^10 times
constexpr size_t kDepth = 3;

struct Known {
  Vec vec;
  int magnitude;  ///< |lanes| < 2^magnitude
};
struct KnownIndex {
  Index index;
  int64_t low, high;
};

class Generator {
 public:
  Generator(const Target& target, uint64_t seed, std::string name) : random_(seed), builder_(std::move(name), target) {}

  LoopProgram run() {
    const uint32_t items = between(1, 4);
    in_place_ = one_in(4);
    builder_.set_items(items);
    if (in_place_) builder_.set_in_place();
    builder_.set_elements(LoopBuffer::kX0, in_place_ ? items * kSlice : kX0);
    builder_.set_elements(LoopBuffer::kX1, kX1);
    builder_.set_elements(LoopBuffer::kY, items * kSlice);
    builder_.set_elements(LoopBuffer::kWeights, kWeights);
    builder_.set_elements(LoopBuffer::kScratch, kScratch);
    draw_table();
    indices_.push_back({builder_.item(), 0, items - 1});
    vectors_.push_back({builder_.constant(weight()), 1});
    clear_scratch();
    block(between(10, 30), 0);
    auto program = builder_.finish();
    EXPECT_TRUE(program) << program.error().message;
    return program ? *std::move(program) : LoopProgram();
  }

 private:
  uint32_t between(int64_t low, int64_t high) {
    return static_cast<uint32_t>(low + static_cast<int64_t>(random_.next() % static_cast<uint64_t>(high - low + 1)));
  }
  int64_t signed_between(int64_t low, int64_t high) { return low + between(0, high - low); }
  bool one_in(uint32_t n) { return between(1, n) == 1; }
  float weight() { return static_cast<float>(signed_between(-16, 16)) / 8; }
  const Known& any() { return vectors_[between(0, static_cast<int64_t>(vectors_.size()) - 1)]; }
  const KnownIndex& any_index() { return indices_[between(0, static_cast<int64_t>(indices_.size()) - 1)]; }
  uint32_t any_lanes() { return one_in(2) ? builder_.lanes() : between(1, builder_.lanes()); }

  void draw_table() {
    std::vector<int32_t> entries(between(1, 12));
    for (int32_t& entry : entries) entry = static_cast<int32_t>(signed_between(-5, 40));
    table_low_ = *std::ranges::min_element(entries);
    table_high_ = *std::ranges::max_element(entries);
    table_entries_ = static_cast<int64_t>(entries.size());
    builder_.add_table(entries);
  }

  /// Scratch holds nothing at the start.
  void clear_scratch() {
    builder_.loop(0, kScratch, builder_.lanes(),
                  [&](Index i) { builder_.store(LoopBuffer::kScratch, i, vectors_[0].vec); });
  }

  /// An address such that `span` elements from it are in [0, elements).
  std::optional<Affine> place(int64_t elements, int64_t span) {
    Affine at;
    int64_t low = 0, high = 0;
    for (uint32_t terms = between(0, 3); terms > 0; --terms) {
      const KnownIndex& k = any_index();
      const int64_t factor = one_in(3) ? signed_between(-3, -1) : signed_between(1, 9);
      const int64_t ends[] = {k.low * factor, k.high * factor};
      if (high - low + std::abs(ends[1] - ends[0]) + span > elements) continue;
      low += std::min(ends[0], ends[1]);
      high += std::max(ends[0], ends[1]);
      at = at + Affine(k.index) * factor;
    }
    if (span > elements) return {};
    return at + Affine(signed_between(-low, elements - span - high));
  }

  /// The item's own part of y, or of x0 in place.
  Affine in_slice(int64_t span) { return *place(kSlice, span) + Affine(builder_.item()) * kSlice; }

  void loads() {
    const uint32_t lanes = any_lanes(), kind = between(0, 3);
    const int64_t stride = between(2, 4);
    const int64_t span = kind == 0 ? lanes : kind == 1 ? (lanes - 1) * stride + 1 : kind == 2 ? 2 : 1;
    const LoopBuffer buffers[] = {LoopBuffer::kX0, LoopBuffer::kX0, LoopBuffer::kX1, LoopBuffer::kWeights,
                                  LoopBuffer::kScratch};
    const LoopBuffer buffer = buffers[between(0, 4)];
    const int64_t elements[kLoopBuffers] = {kX0, kX1, 0, kWeights, kScratch};
    const bool sliced = buffer == LoopBuffer::kX0 && in_place_;
    const auto at = sliced ? in_slice(span) : place(elements[static_cast<size_t>(buffer)], span);
    if (!at) return;
    const Vec v = kind == 0   ? builder_.load(buffer, *at, lanes)
                  : kind == 1 ? builder_.load_strided(buffer, *at, stride, lanes)
                  : kind == 2 ? builder_.splat_pair(buffer, *at)
                              : builder_.splat(buffer, *at);
    vectors_.push_back({v, sliced || buffer == LoopBuffer::kScratch ? kMost : kInput});
  }

  void stores() {
    const uint32_t lanes = any_lanes();
    if (one_in(4)) {
      if (const auto at = place(kScratch, lanes)) builder_.store(LoopBuffer::kScratch, *at, any().vec, lanes);
    } else {
      builder_.store(LoopBuffer::kY, in_slice(lanes), any().vec, lanes);
    }
  }

  Known clamped(Known a, int magnitude) {
    if (a.magnitude <= magnitude) return a;
    const float bound = static_cast<float>(1 << magnitude) * 0.875f;
    return {builder_.min(builder_.max(a.vec, builder_.constant(-bound)), builder_.constant(bound)), magnitude};
  }

  void arithmetic() {
    const Known a = any(), b = any(), c = any();
    const int larger = std::max(a.magnitude, b.magnitude);
    switch (between(0, 14)) {
      case 0:
        return keep(builder_.add(a.vec, b.vec), larger + 1);
      case 1:
        return keep(builder_.subtract(a.vec, b.vec), larger + 1);
      case 2:
        return keep(builder_.multiply(a.vec, b.vec), a.magnitude + b.magnitude);
      case 3:
        return keep(builder_.divide(a.vec, builder_.max(b.vec, builder_.constant(0.5f))), a.magnitude + 1);
      case 4:
      case 5:
        return keep(builder_.fma(a.vec, b.vec, c.vec), std::max(a.magnitude + b.magnitude, c.magnitude) + 1);
      case 6:
        return keep(builder_.max(a.vec, b.vec), larger);
      case 7:
        return keep(builder_.min(a.vec, b.vec), larger);
      case 8:
        return keep(builder_.scale(a.vec, builder_.add(clamped(b, 4).vec, builder_.constant(kScaleBias))),
                    a.magnitude + 16);
      case 9:
        return keep(builder_.sum_lanes(a.vec), a.magnitude + 4);
      case 10:
        return keep(builder_.max_lanes(a.vec), a.magnitude);
      case 11:
        return keep(builder_.slide_up(a.vec, between(1, builder_.lanes() - 1)), a.magnitude);
      case 12:
        return keep(one_in(2) ? builder_.zip_low(a.vec, b.vec) : builder_.zip_high(a.vec, b.vec), larger);
      case 13:
        return keep(one_in(2) ? builder_.unzip_even(a.vec, b.vec) : builder_.unzip_odd(a.vec, b.vec), larger);
      default:
        return keep(one_in(2) ? builder_.copy(a.vec) : builder_.constant(weight()), std::max(a.magnitude, 2));
    }
  }
  void keep(Vec v, int magnitude) { vectors_.push_back(clamped({v, magnitude}, kMost)); }

  void integers() {
    const KnownIndex k = any_index();
    const int64_t bound = signed_between(-2, 12), divisor = signed_between(1, 5);
    switch (between(0, 5)) {
      case 0:
        if (std::max(-k.low, k.high) > 1000) return;
        return keep(builder_.index(Affine(k.index) * 3 + bound), 3 * k.low + bound, 3 * k.high + bound);
      case 1:
        if (const auto at = place(table_entries_, 1)) keep(builder_.load_index(*at), table_low_, table_high_);
        return;
      case 2:
        return keep(builder_.min(k.index, bound), std::min(k.low, bound), std::min(k.high, bound));
      case 3:
        return keep(builder_.max(k.index, bound), std::max(k.low, bound), std::max(k.high, bound));
      case 4:
        if (k.low >= 0) keep(builder_.divide(k.index, divisor), k.low / divisor, k.high / divisor);
        return;
      default:
        if (k.low >= 0) keep(builder_.modulo(k.index, divisor), 0, divisor - 1);
    }
  }
  void keep(Index i, int64_t low, int64_t high) { indices_.push_back({i, low, high}); }

  void loops(uint32_t statements, size_t depth) {
    const int64_t begin = signed_between(-2, 6), trips = signed_between(0, 6), step = signed_between(1, 3);
    Bound first(begin), last(begin + trips * step - (one_in(2) ? step - 1 : 0));
    int64_t low = begin, high = last.value.constant - 1;
    if (const KnownIndex& k = any_index(); k.high - k.low <= 8 && one_in(3)) {
      (one_in(2) ? first : last) = Bound(k.index);
      low = first.value.index == kNoRegister ? begin : k.low;
      high = last.value.index == kNoRegister ? high : k.high - 1;
    }
    if (high - low > 12) return;
    const Vec sum = builder_.copy(any().vec);
    builder_.assign(sum, clamped(any(), kMostTerm).vec);
    const bool stays = first.value.index == kNoRegister && last.value.index == kNoRegister && low <= high && one_in(2);
    const std::vector<Known> vectors = vectors_;
    const std::vector<KnownIndex> indices = indices_;
    builder_.loop(first, last, step, [&](Index i) {
      indices_.push_back({i, low, std::max(low, high)});
      block(statements, depth + 1);
      accumulate(sum);
    });
    indices_ = indices;
    if (!stays) vectors_ = vectors;
    vectors_.push_back({sum, kMost});
  }
  void accumulate(Vec sum) {
    const Vec term = clamped(any(), kMostTerm).vec;
    switch (between(0, 2)) {
      case 0:
        return builder_.add_to(sum, term);
      case 1:
        return builder_.fma_to(sum, clamped(any(), kMostTerm / 2).vec, clamped(any(), kMostTerm / 2).vec);
      default:
        return builder_.max_to(sum, term);
    }
  }

  void block(uint32_t statements, size_t depth) {
    for (uint32_t s = 0; s < statements; ++s) {
      const uint32_t kind = between(0, 11);
      if (kind < 4)
        loads();
      else if (kind < 8)
        arithmetic();
      else if (kind < 9)
        integers();
      else if (kind < 10 && depth < kDepth)
        loops(between(1, 8), depth);
      else
        stores();
    }
  }

  SeededRandom random_;
  LoopBuilder builder_;
  bool in_place_ = false;
  int64_t table_low_ = 0, table_high_ = 0, table_entries_ = 0;
  std::vector<Known> vectors_;
  std::vector<KnownIndex> indices_;
};

std::vector<float> random_values(SeededRandom& random, uint64_t count) {
  std::vector<float> values(count);
  for (float& v : values) v = random.next() % 16 == 0 ? 0.0f : random.weight() * 2;
  return values;
}

bool same(float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (a == 0 && b == 0); }

}  // namespace

LoopCase random_loop_case(const Target& target, uint64_t seed, std::string name) {
  LoopCase c{.program = Generator(target, seed, std::move(name)).run(), .x0 = {}, .x1 = {}, .weights = {}, .y = {}};
  SeededRandom random(seed);
  const auto filled = [&](LoopBuffer b) { return random_values(random, c.program.elements[static_cast<size_t>(b)]); };
  if (!c.program.in_place) c.x0 = filled(LoopBuffer::kX0);
  c.x1 = filled(LoopBuffer::kX1);
  c.weights = filled(LoopBuffer::kWeights);
  c.y = filled(LoopBuffer::kY);
  return c;
}

std::vector<float> interpreted_output(const LoopCase& c) {
  std::vector<float> y = c.y;
  const std::span<const float> x0 = c.program.in_place ? std::span<const float>(y) : std::span<const float>(c.x0);
  interpret(c.program, {.x0 = x0, .x1 = c.x1, .y = y, .weights = c.weights}, 0, c.program.items);
  return y;
}

bool same_values(const std::vector<float>& found, const std::vector<float>& wanted) {
  return std::ranges::equal(found, wanted, same);
}

void expect_same_values(const LoopCase& c, const std::vector<float>& found, const std::vector<float>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_TRUE(same(found[i], wanted[i]))
        << c.program.name << ": element " << i << " is " << found[i] << ", expected " << wanted[i];
}

LoopCase rounding_twice(LoopCase c) {
  static const VectorIsa isa = [&] {
    VectorIsa twice = *c.program.target.vector;
    twice.arithmetic = Arithmetic::kMulAdd;
    return twice;
  }();
  c.program.target.vector = &isa;
  return c;
}

}  // namespace espalier::test
