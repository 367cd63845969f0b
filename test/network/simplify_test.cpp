// Passes on seeded networks: the answer stays, and what they promise to remove is gone.
#include <cmath>

#include "ir/network/passes/passes.h"
#include "network_test.h"
#include "test/support/random_network.h"

namespace espalier::test {
namespace {

constexpr uint64_t kNetworks = 400;

/// Largest difference over the largest value.
double relative_error(const Floats& a, const Floats& b) {
  double difference = 0, largest = 1e-6;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(double{a[i]} - double{b[i]}));
    largest = std::max(largest, std::abs(double{a[i]}));
  }
  return difference / largest;
}

/// fp32 rounding of a dozen small layers, with room for cancellation.
constexpr double kTolerance = 2e-5;

template <typename T>
bool holds(const Network& network) {
  for (const Layer& layer : network.layers)
    if (layer.as<T>() != nullptr) return true;
  return false;
}

class Pass : public ::testing::TestWithParam<size_t> {
 protected:
  const NetworkPass& pass() const { return network_passes()[GetParam()]; }
};

TEST_P(Pass, KeepsTheAnswerOfAnyNetwork) {
  size_t changed = 0;
  for (uint64_t seed = 1; seed <= kNetworks; ++seed) {
    Network network = random_network(seed);
    const Floats input = random_input(8 * 8 * 4, seed);
    const Floats wanted = run_one(network, input);
    const std::string before = to_string(network);
    pass().run(network);
    const Status status = verify(network);
    ASSERT_TRUE(status) << pass().name << ", seed " << seed << ": " << status.error().message;
    ASSERT_LE(relative_error(wanted, run_one(network, input)), kTolerance) << pass().name << ", seed " << seed;
    changed += to_string(network) != before;
  }
  // Nothing is unused in these networks before another pass ran.
  if (pass().name == "drop_unused") return;
  EXPECT_GT(changed, kNetworks / 20) << pass().name;
}

INSTANTIATE_TEST_SUITE_P(Passes, Pass, ::testing::Range<size_t>(0, network_passes().size()),
                         [](const auto& row) { return std::string(network_passes()[row.param].name); });

TEST(Simplify, KeepsTheAnswerAndLeavesNothingToDo) {
  for (uint64_t seed = 1; seed <= kNetworks; ++seed) {
    Network network = random_network(seed);
    const Floats input = random_input(8 * 8 * 4, seed);
    const Floats wanted = run_one(network, input);
    const Status status = simplify(network);
    ASSERT_TRUE(status) << "seed " << seed << ": " << status.error().message;
    ASSERT_LE(relative_error(wanted, run_one(network, input)), kTolerance) << "seed " << seed;
    EXPECT_FALSE(holds<BatchNorm>(network)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace espalier::test
