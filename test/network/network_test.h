// What the tests of networks share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/network/network.h"
#include "ir/network/run_reference.h"

namespace espalier::test {

using Floats = std::vector<float>;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::FloatEq;
using ::testing::Pointwise;

/// 1, 2, 3, ... up to `count`.
inline Floats counting(size_t count) {
  Floats values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i + 1);
  return values;
}

/// add_layer that must succeed.
inline TensorId added(Network& network, std::string name, Operation operation, std::vector<TensorId> inputs,
                      const Activation& activation = {}) {
  const auto id = add_layer(network, std::move(name), std::move(operation), std::move(inputs), activation);
  EXPECT_TRUE(id) << id.error().message;
  return id ? *id : 0;
}

/// The first output for one input, by the reference executor.
inline Floats run_one(const Network& network, const Floats& input) {
  const auto outputs = run_reference(network, {&input, 1});
  EXPECT_TRUE(outputs) << outputs.error().message;
  return outputs ? (*outputs)[0] : Floats();
}

/// A network of one layer on one input.
struct OneLayer {
  Network network;
  Shape shape;  ///< of the output

  OneLayer(Operation operation, const Shape& input, const Activation& activation = {}) {
    const TensorId x = add_input(network, "x", input);
    const TensorId y = added(network, "y", std::move(operation), {x}, activation);
    network.outputs = {y};
    shape = network.shape_of(y);
  }
  Floats run(const Floats& input) const { return run_one(network, input); }
};

}  // namespace espalier::test
