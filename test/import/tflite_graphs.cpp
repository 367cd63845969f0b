#include "tflite_graphs.h"

namespace espalier::test {
namespace {

TestOption byte(unsigned field, int value) { return {field, static_cast<int8_t>(value)}; }
TestOption word(unsigned field, int32_t value) { return {field, value}; }

}  // namespace

TestModel small_network_model() {
  TestGraph g({1, 4, 4, 2});
  const int32_t paddings = g.integers({4, 2}, {0, 0, 1, 1, 1, 1, 0, 0});
  const int32_t stem = g.floats({2, 3, 3, 2}, std::vector<float>(36, 0.25f)), bias = g.floats({2}, {1, -1});
  g.then(34, {paddings}, {1, 6, 6, 2})
      .then(3, {stem, bias}, {1, 4, 4, 2}, {byte(0, 1), word(1, 1), word(2, 1), byte(3, 3)});
  const int32_t depthwise = g.floats({1, 3, 3, 2}, std::vector<float>(18, 0.5f));
  g.then(4, {depthwise, bias}, {1, 2, 2, 2}, {byte(0, 0), word(1, 2), word(2, 2), word(3, 1), byte(4, 1)});
  const int32_t wide = g.last(), axes = g.integers({2}, {1, 2});
  g.then(40, {axes}, {1, 1, 1, 2}, {byte(0, 1)}).then(14, {}, {1, 1, 1, 2});
  g.op(18, {wide, g.last()}, {1, 2, 2, 2}).then(117, {}, {1, 2, 2, 2});
  const int32_t before = g.last();
  g.then(1, {}, {1, 1, 1, 2}, {byte(0, 1), word(1, 1), word(2, 1), word(3, 2), word(4, 2)});
  const int32_t size = g.integers({2}, {2, 2});
  g.then(23, {size}, {1, 2, 2, 2}, {byte(3, 1)});
  g.op(2, {before, g.last()}, {1, 2, 2, 4}, {word(0, 3)}).then(5, {}, {1, 4, 4, 1}, {word(0, 2)});
  const int32_t turned = g.floats({16, 2}, std::vector<float>(32, 0.125f)), order = g.integers({2}, {1, 0});
  const int32_t flat = g.last();
  g.op(39, {turned, order}, {2, 16});
  const int32_t matrix = g.last();
  g.op(22, {flat}, {1, 16}, {{0, std::vector<int32_t>{1, -1}}}).then(9, {matrix, -1}, {1, 2});
  g.then(25, {}, {1, 2}, {{0, 1.0f}});
  return g.model();
}

}  // namespace espalier::test
