// The interpreter's operations by hand, and the text of a program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "codegen/layers/loop_builder.h"

namespace espalier::test {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

constexpr LoopBuffer kX0 = LoopBuffer::kX0, kX1 = LoopBuffer::kX1, kY = LoopBuffer::kY;
const std::vector<float> kInput = {1, -2, 3.5f, 0.5f, 5, 6, -7, 8};

LoopProgram built(const char* cpu, const std::function<void(LoopBuilder&)>& write) {
  LoopBuilder b("layer", *find_target(std::string_view(cpu) == "simd128" ? "wasm32" : "aarch64-linux", cpu));
  b.set_elements(kX0, kInput.size());
  b.set_elements(kX1, 4);
  b.set_elements(kY, 8);
  write(b);
  auto program = b.finish();
  EXPECT_TRUE(program) << program.error().message;
  return *std::move(program);
}

std::vector<float> output(const std::function<void(LoopBuilder&)>& write, const char* cpu = "neon") {
  const LoopProgram program = built(cpu, write);
  std::vector<float> y(8, -1);
  const std::vector<float> x1 = {2, 2, 2, 2};
  interpret(program, {.x0 = kInput, .x1 = x1, .y = y, .weights = {}}, 0, program.items);
  return y;
}

/// The first four elements of y after `operation` on two vectors of inputs.
std::vector<float> result(const std::function<Vec(LoopBuilder&, Vec, Vec)>& operation) {
  auto y = output([&](LoopBuilder& b) { b.store(kY, 0, operation(b, b.load(kX0, 0), b.load(kX1, 0))); });
  y.resize(4);
  return y;
}

TEST(LoopInterpreter, Arithmetic) {
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.add(x, two); }), ElementsAre(3, 0, 5.5f, 2.5f));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.subtract(x, two); }),
              ElementsAre(-1, -4, 1.5f, -1.5f));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.multiply(x, two); }), ElementsAre(2, -4, 7, 1));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.divide(x, two); }),
              ElementsAre(0.5f, -1, 1.75f, 0.25f));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.fma(x, two, x); }), ElementsAre(3, -6, 10.5f, 1.5f));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.max(x, two); }), ElementsAre(2, 2, 3.5f, 2));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.min(x, two); }), ElementsAre(1, -2, 2, 0.5f));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.scale(two, b.add(x, b.constant(kScaleBias))); }),
              ElementsAre(4, 0.5f, 32, 2));  // by 1, -2, 3.5 and 0.5, which are rounded to even
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec) { return b.sum_lanes(x); }), ElementsAre(3, 3, 3, 3));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec) { return b.max_lanes(x); }), ElementsAre(3.5f, 3.5f, 3.5f, 3.5f));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.zip_low(x, two); }), ElementsAre(1, 2, -2, 2));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.zip_high(two, x); }), ElementsAre(2, 3.5f, 2, 0.5f));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.unzip_even(x, two); }), ElementsAre(1, 3.5f, 2, 2));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec two) { return b.unzip_odd(two, x); }), ElementsAre(2, 2, -2, 0.5f));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec) { return b.slide_up(x, 1); }), ElementsAre(0, 1, -2, 3.5f));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec) { return b.slide_up(x, 3); }), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(result([](LoopBuilder& b, Vec x, Vec) { return b.copy(x); }), ElementsAre(1, -2, 3.5f, 0.5f));
}

TEST(LoopInterpreter, NanInAGivesB) {
  const auto nan = [](LoopBuilder& b) { return b.constant(NAN); };
  EXPECT_THAT(result([&](LoopBuilder& b, Vec, Vec two) { return b.max(nan(b), two); }), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(result([&](LoopBuilder& b, Vec, Vec two) { return b.min(nan(b), two); }), ElementsAre(2, 2, 2, 2));
}

/// (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24 exactly, and 0 if the product is rounded.
TEST(LoopInterpreter, FmaRoundsAsOftenAsTheTarget) {
  const auto write = [](LoopBuilder& b) {
    const Vec a = b.constant(1 + 0x1p-12f);
    b.store(kY, 0, b.fma(a, a, b.constant(-(1 + 0x1p-11f))));
  };
  EXPECT_EQ(output(write, "neon")[0], 0x1p-24f);
  EXPECT_EQ(output(write, "simd128")[0], 0.0f);
}

TEST(LoopInterpreter, LoadsZeroWhatTheyDoNotLoad) {
  const auto loaded = [](const std::function<Vec(LoopBuilder&)>& load) {
    return output([&](LoopBuilder& b) { b.store(kY, 1, load(b)); });
  };
  EXPECT_THAT(loaded([](LoopBuilder& b) { return b.load(kX0, 1, 3); }), ElementsAre(-1, -2, 3.5f, 0.5f, 0, -1, -1, -1));
  EXPECT_THAT(loaded([](LoopBuilder& b) { return b.load_strided(kX0, 1, 2, 2); }),
              ElementsAre(-1, -2, 0.5f, 0, 0, -1, -1, -1));
  EXPECT_THAT(loaded([](LoopBuilder& b) { return b.load_strided(kX0, 1, 2); }),
              ElementsAre(-1, -2, 0.5f, 6, 8, -1, -1, -1));
  EXPECT_THAT(loaded([](LoopBuilder& b) { return b.splat(kX0, 4); }), ElementsAre(-1, 5, 5, 5, 5, -1, -1, -1));
  EXPECT_THAT(loaded([](LoopBuilder& b) { return b.splat_pair(kX0, 4); }), ElementsAre(-1, 5, 6, 5, 6, -1, -1, -1));
}

TEST(LoopInterpreter, LoopsTablesAndIntegers) {
  const int32_t order[] = {6, 0, 3};
  EXPECT_THAT(output([&](LoopBuilder& b) {
                b.add_table(order);
                b.loop(0, 3, 1, [&](Index i) { b.store(kY, i, b.splat(kX0, b.load_index(i)), 1); });
                b.loop(4, 4, 1, [&](Index i) { b.store(kY, i, b.constant(99), 1); });
                b.loop(4, 8, 3, [&](Index i) { b.store(kY, i, b.constant(4), 1); });
                const Index five = b.index(5);
                b.store(kY, b.divide(five, 2), b.constant(2), 1);
                b.store(kY, b.min(five, 3), b.constant(3), 1);
                b.store(kY, b.max(five, 6), b.constant(6), 1);
                b.store(kY, Affine(b.modulo(five, 3)) + 3, b.constant(5), 1);
              }),
              ElementsAre(-7, 1, 2, 3, 4, 5, 6, 4));
}

TEST(LoopInterpreter, RunsTheItemsItIsGiven) {
  const LoopProgram program = built("neon", [](LoopBuilder& b) {
    b.set_items(8);
    b.store(kY, b.item(), b.constant(1), 1);
  });
  std::vector<float> y(8, 0);
  interpret(program, {.x0 = kInput, .x1 = kInput, .y = y, .weights = {}}, 2, 5);
  EXPECT_THAT(y, ElementsAre(0, 0, 1, 1, 1, 0, 0, 0));
}

TEST(LoopText, ShowsEveryOperation) {
  const LoopProgram program = built("neon", [](LoopBuilder& b) {
    const int32_t entries[] = {1, 0};
    b.set_items(2);
    b.set_in_place();
    b.add_table(entries);
    const Vec c = b.constant(0.5f), sum = b.copy(c);
    const Index t = b.load_index(b.item());
    b.loop(0, 4, 2, [&](Index i) {
      b.fma_to(sum, b.load(kX0, Affine(t) + Affine(i) + 1, 3), c);
      b.add_to(sum, b.load_strided(kX0, 1, 3, 2));
      b.loop(i, t, 1, [&](Index) { b.max_to(sum, b.splat(kX1, 3)); });
    });
    const Vec square = b.multiply(c, c);
    const Vec d = b.divide(b.subtract(sum, c), square);
    const Vec e = b.sum_lanes(c), f = b.slide_up(b.max_lanes(c), 2);
    const Vec least = b.min(e, f), zipped = b.zip_low(c, d);
    b.store(kY, Affine(b.item()) * 4, b.scale(d, b.zip_high(least, zipped)));
    b.index(Affine(b.item()) * -3 + 7);
    b.divide(b.modulo(b.max(b.min(t, 5), 0), 3), 2);
  });
  EXPECT_EQ(print(program), R"(loops layer target aarch64-linux cpu cortex-a76 items 2 vectors 15 integers 9 in_place
x0 8
x1 4
y 8
table 1 0
  v0 = constant 0x1p-1
  v1 = copy v0
  i1 = load_index table[i0]
  loop i2 = 0 to 4 step 2
    v2 = load x0[1 + i1 + i2] lanes 3
    v1 = fma v2, v0, v1
    v3 = load_strided x0[1], 3 lanes 2
    v1 = add v1, v3
    loop i3 = i2 to i1 step 1
      v4 = splat_load x1[3]
      v1 = max v1, v4
    end
  end
  v5 = multiply v0, v0
  v6 = subtract v1, v0
  v7 = divide v6, v5
  v8 = sum_lanes v0
  v9 = max_lanes v0
  v10 = slide_up v9, 2
  v11 = min v8, v10
  v12 = zip_low v0, v7
  v13 = zip_high v11, v12
  v14 = scale v7, v13
  store y[4*i0] = v14 lanes 4
  i4 = index 7 - 3*i0
  i5 = index_min i1, 5
  i6 = index_max i5, 0
  i7 = index_modulo i6, 3
  i8 = index_divide i7, 2
)");
}

}  // namespace
}  // namespace espalier::test
