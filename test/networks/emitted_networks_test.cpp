// Random networks, whatever they are emitted as, give the interpreter's bits; and those are near the reference's.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "emitted_network.h"
#include "espalier/runtime.h"
#include "ir/network/passes/passes.h"
#include "ir/network/run_reference.h"
#include "ir/sparse_matrix.h"
#include "test/support/command.h"
#include "test/support/random_network.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

Network simplified_network(uint64_t seed) {
  Network network = random_network(seed);
  const Status status = simplify(network);
  EXPECT_TRUE(status) << status.error().message;
  return network;
}

TestNetwork compiled_network(uint64_t seed, const Target& target) {
  const Network network = simplified_network(seed);
  Arrays inputs;
  for (const TensorId input : network.inputs)
    inputs.push_back(random_input(network.shape_of(input).elements(), seed + 7));
  return TestNetwork(network, target, std::move(inputs));
}

void expect_same_bits(const Arrays& got, const Arrays& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].size(), wanted[i].size());
    for (size_t e = 0; e < got[i].size(); ++e)
      ASSERT_TRUE(std::bit_cast<uint32_t>(got[i][e]) == std::bit_cast<uint32_t>(wanted[i][e]) ||
                  (got[i][e] == 0 && wanted[i][e] == 0))
          << "output " << i << ", element " << e << ": " << got[i][e] << " not " << wanted[i][e];
  }
}

/// Fails after the first seed that does.
template <typename Run>
void expect_interpreters_bits(const Target& target, uint64_t first, uint64_t count, Run run) {
  for (uint64_t seed = first; seed < first + count && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const TestNetwork network = compiled_network(seed, target);
    if (testing::Test::HasFailure()) return;
    expect_same_bits(run(network), interpret(network.program(), network.inputs));
  }
}

Target target(const char* name, const char* cpu = "") {
  auto found = find_target(name, cpu);
  EXPECT_TRUE(found) << found.error().message;
  return *found;
}

TEST(NetworkPrograms, AreNearTheReference) {
  for (const auto& [name, cpu] :
       {std::pair{"x86_64-linux", ""}, {"x86_64-linux", "znver4"}, {"aarch64-linux", ""}, {"wasm32", ""}, {"c99", ""}})
    for (uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
      SCOPED_TRACE(fmt::format("{} {}, seed {}", name, cpu, seed));
      const Network network = simplified_network(seed);
      const TestNetwork compiled = compiled_network(seed, target(name, cpu));
      const Arrays got = interpret(compiled.program(), compiled.inputs);
      const auto wanted = run_reference(network, compiled.inputs);
      ASSERT_TRUE(wanted);
      for (size_t i = 0; i < got.size(); ++i) {
        const float most = std::abs(*std::ranges::max_element((*wanted)[i], {}, [](float x) { return std::abs(x); }));
        for (size_t e = 0; e < got[i].size(); ++e)
          ASSERT_LE(std::abs(got[i][e] - (*wanted)[i][e]), 2e-5f * std::max(most, 1.0f)) << "element " << e;
      }
    }
}

/// Near the reference by the interpreter; the interpreter's bits here.
void expect_right(const Network& network, const TestNetwork& compiled) {
  const Arrays got = interpret(compiled.program(), compiled.inputs);
  const auto wanted = run_reference(network, compiled.inputs);
  ASSERT_TRUE(wanted);
  for (size_t i = 0; i < got.size(); ++i)
    for (size_t e = 0; e < got[i].size(); ++e) ASSERT_NEAR(got[i][e], (*wanted)[i][e], 1e-5) << "element " << e;
  if (espalier_host_cpu_features() & ESPALIER_CPU_AVX2) expect_same_bits(run_here(compiled, 2), got);
}

struct JoinedCase {
  const char* name;
  const char* summands;  ///< of the sum: `s` the kernel's result, `r` the other one, in this order
  bool reads_again;      ///< something else reads the kernel's result, too
  uint32_t channels;
  double sparsity;
  size_t sums;  ///< steps that are sums
};

TensorId add_pointwise(Network& network, const std::string& name, TensorId in, uint32_t channels, double sparsity,
                       const Activation& activation) {
  const uint32_t inputs = network.shape_of(in).c;
  const SparseMatrix w = random_sparse_matrix(channels, inputs, sparsity, inputs + channels);
  std::vector<float> dense(uint64_t{channels} * inputs);
  for (uint32_t row = 0; row < w.rows(); ++row)
    for (size_t i = 0; i < w.row_columns(row).size(); ++i)
      dense[row * inputs + w.row_columns(row)[i]] = w.row_values(row)[i];
  return *add_layer(network, name, Convolution{{}, 1, channels, dense, std::vector<float>(channels, 0.25f)}, {in},
                    activation);
}

TensorId add_depthwise(Network& network, const std::string& name, TensorId in, uint32_t window, uint32_t stride,
                       const Activation& activation = {}) {
  const uint32_t channels = network.shape_of(in).c, margin = window / 2;
  Convolution c;
  c.window.height = c.window.width = window;
  c.window.stride_height = c.window.stride_width = stride;
  c.window.padding = {margin, margin, margin, margin};
  c.groups = c.output_channels = channels;
  for (uint32_t i = 0; i < channels * window * window; ++i)
    c.weights.push_back(0.125f * static_cast<float>(i % 7) - 0.25f);
  return *add_layer(network, name, c, {in}, activation);
}

/// x -> 1x1 (r) -> depthwise -> sparse 1x1 (s); sum of s and r with relu6, twice.
Network residual_network(const JoinedCase& c) {
  Network network;
  const TensorId x = add_input(network, "x", {1, 64, 65, 3});
  TensorId r = add_pointwise(network, "first", x, c.channels, 0, Activation::relu());
  for (const std::string suffix : {"1", "2"}) {
    const TensorId depthwise = add_depthwise(network, "depthwise" + suffix, r, 3, 1);
    const TensorId s = add_pointwise(network, "project", depthwise, c.channels, c.sparsity, {});
    const bool is_first = c.summands[0] == 's';
    r = *add_layer(network, "sum" + suffix, Binary{}, {is_first ? s : r, is_first ? r : s}, Activation::relu6());
    if (c.reads_again) network.outputs.push_back(s);
  }
  network.outputs.push_back(r);
  return network;
}

TEST(NetworkPrograms, KernelsTakeOverSums) {
  for (const JoinedCase& c : {JoinedCase{"behind", "sr", false, 16, 0.75, 0},
                              {"in front", "rs", false, 16, 0.75, 0},
                              {"wanted", "sr", true, 16, 0.75, 2},
                              {"dense", "sr", false, 16, 0.25, 2},
                              {"small", "sr", false, 8, 0.75, 2}}) {
    SCOPED_TRACE(c.name);
    const Network network = residual_network(c);
    ASSERT_TRUE(verify(network)) << verify(network).error().message;
    const TestNetwork compiled(network, target("x86_64-linux"),
                               {random_input(network.input_shape(network.layers[0]).elements(), 5)});
    const auto is_sum = [](const NetworkStep& step) { return step.name.starts_with("sum"); };
    EXPECT_EQ(static_cast<size_t>(std::ranges::count_if(compiled.program().steps, is_sum)), c.sums);
    expect_right(network, compiled);
  }
}

struct ResizedCase {
  const char* name;
  Resize resize;
  const char* summands;  ///< `s` the small image, resized; `l` the large one
  size_t steps;          ///< that resize or add
};

TEST(NetworkPrograms, ResizesTakeOverSums) {
  const auto bilinear = [](uint32_t h, uint32_t w) {
    return Resize{ResizeKind::kBilinear, ResizeCoordinates::kHalfPixel, ResizeRounding::kFloor, h, w};
  };
  const Resize nearest{ResizeKind::kNearest, ResizeCoordinates::kAsymmetric, ResizeRounding::kFloor, 14, 22};
  for (const ResizedCase& c : {ResizedCase{"doubled", bilinear(14, 22), "sl", 1},
                               {"odd", bilinear(9, 25), "ls", 1},
                               {"nearest", nearest, "ls", 1},
                               {"two", bilinear(14, 22), "ss", 2}})
    for (const uint32_t channels : {5u, 16u}) {
      SCOPED_TRACE(fmt::format("{}, {} channels", c.name, channels));
      Network network;
      const TensorId small = add_input(network, "small", {1, 7, 11, channels});
      const TensorId large = add_input(network, "large", {1, c.resize.height, c.resize.width, channels});
      const TensorId rows = add_depthwise(network, "rows", large, 3, 1);
      std::vector<TensorId> summands;
      for (const char which : std::string_view(c.summands))
        summands.push_back(which == 'l' ? rows : *add_layer(network, "resize", c.resize, {small}));
      network.outputs = {*add_layer(network, "sum", Binary{}, summands, Activation::relu6())};
      const TestNetwork compiled(
          network, target("x86_64-linux"),
          {random_input(network.shape_of(small).elements(), 5), random_input(network.shape_of(large).elements(), 6)});
      const auto is_one = [](const NetworkStep& s) {
        return s.name.starts_with("sum") || s.name.starts_with("resize");
      };
      EXPECT_EQ(static_cast<size_t>(std::ranges::count_if(compiled.program().steps, is_one)), c.steps);
      expect_right(network, compiled);
    }
}

TEST(NetworkPrograms, ReshapesOfVectorsAndOutputsAreNoSteps) {
  Network network;
  const TensorId x = add_input(network, "x", {1, 6, 4, 8});
  const TensorId deep = *add_layer(network, "deep", DepthToSpace{2}, {x});
  const TensorId flat = *add_layer(network, "flat", Reshape{{1, 1, 96, 2}}, {deep});
  const TensorId means = *add_layer(network, "mean", Mean{}, {x});
  const TensorId turned = *add_layer(network, "turned", Reshape{{1, 2, 2, 2}}, {means});
  network.outputs = {flat, turned};
  const TestNetwork compiled(network, target("x86_64-linux"), {random_input(192, 5)});
  EXPECT_EQ(compiled.program().steps.size(), 2u);
  expect_right(network, compiled);
}

/// Expansion, depthwise convolution, projection: thrice, of random sizes, whose rows are whole vectors everywhere.
Network network_for_strips(uint64_t seed) {
  SeededRandom random(seed);
  const auto between = [&](uint32_t least, uint32_t most) {
    return least + static_cast<uint32_t>(random.next() % (most - least + 1));
  };
  Network network;
  TensorId x = add_input(network, "x", {1, between(3, 40), 16 * between(1, 3), between(1, 5)});
  for (int i = 0; i < 3; ++i) {
    const ActivationKind kinds[] = {ActivationKind::kNone, ActivationKind::kSwish, ActivationKind::kHardSwish};
    const TensorId wide =
        add_pointwise(network, "expand", x, between(2, 24), 0.5, Activation::of(kinds[between(0, 2)]));
    const TensorId mixed =
        add_depthwise(network, "mix", wide, 2 * between(1, 2) + 1, i == 1 ? 2 : 1, Activation::relu6());
    x = add_pointwise(network, "project", mixed, between(1, 12), 0.5, {});
  }
  network.outputs.push_back(x);
  return network;
}

void expect_same_bits_in_strips(const Target& target, uint64_t count, Arrays (*run)(const TestNetwork&)) {
  for (uint64_t seed = 1; seed <= count && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("{}, seed {}", target.name, seed));
    const Network network = network_for_strips(seed);
    const Arrays inputs = {random_input(network.shape_of(network.inputs[0]).elements(), seed)};
    const TestNetwork whole(network, target, inputs, StripPolicy::kNever),
        strips(network, target, inputs, StripPolicy::kAlways);
    EXPECT_GT(strips.program().steps.size(), whole.program().steps.size());
    const Arrays wanted = interpret(whole.program(), inputs);
    expect_same_bits(interpret(strips.program(), inputs), wanted);
    expect_same_bits(run(strips), wanted);
  }
}

TEST(NetworkStrips, GiveTheSameBitsHereOnAnyNumberOfThreads) {
  if (!(espalier_host_cpu_features() & ESPALIER_CPU_AVX2)) GTEST_SKIP() << "this machine has no AVX2";
  expect_same_bits_in_strips(target("x86_64-linux"), 30, [](const TestNetwork& n) { return run_here(n, 1); });
  expect_same_bits_in_strips(target("x86_64-linux"), 30, [](const TestNetwork& n) { return run_here(n, 3); });
}

TEST(NetworkStrips, GiveTheSameBitsUnderQemu) {
  if (!have_program("qemu-aarch64") || !have_program("aarch64-linux-gnu-gcc"))
    GTEST_SKIP() << "no qemu-aarch64 or no aarch64-linux-gnu-gcc";
  expect_same_bits_in_strips(target("aarch64-linux", "cortex-a53"), 4, run_in_emulator);
}

TEST(NetworkStrips, GiveTheSameBitsAsC) {
  if (!have_program("gcc")) GTEST_SKIP() << "no gcc";
  expect_same_bits_in_strips(target("c99"), 3, [](const TestNetwork& n) { return run_as_c(n, "gcc -O1"); });
}

TEST(NetworkStrips, AreForTensorsBeyondTheCaches) {
  Network network;
  const TensorId x = add_input(network, "x", {1, 112, 112, 8});
  const TensorId wide = add_pointwise(network, "expand", x, 48, 0.5, Activation::relu6());
  network.outputs = {add_pointwise(network, "project", add_depthwise(network, "mix", wide, 3, 2), 8, 0.5, {})};
  const auto steps = [&](const char* name, const char* cpu) {
    return TestNetwork(network, target(name, cpu), {}).program().steps.size();
  };
  EXPECT_EQ(steps("x86_64-linux", "znver3"), 5u);
  EXPECT_EQ(steps("wasm32", "simd128"), 5u);
  EXPECT_GT(steps("aarch64-linux", "cortex-a53"), 20u);
}

TEST(NetworkObjects, GiveTheInterpretersBitsHereOnAnyNumberOfThreads) {
  if (!(espalier_host_cpu_features() & ESPALIER_CPU_AVX2)) GTEST_SKIP() << "this machine has no AVX2";
  for (const unsigned threads : {1u, 3u})
    expect_interpreters_bits(target("host", "haswell"), 1, 40,
                             [&](const TestNetwork& n) { return run_here(n, threads); });
}

/// Layers of rows that leave half of a vector empty are in AVX2.
TEST(NetworkObjects, GiveTheInterpretersBitsHereWithHalfVectorsBesideWholeOnes) {
  if (!(espalier_host_cpu_features() & ESPALIER_CPU_AVX512F)) GTEST_SKIP() << "this machine has no AVX-512";
  const Target znver4 = target("host", "znver4");
  size_t halves = 0;
  expect_interpreters_bits(znver4, 1, 40, [&](const TestNetwork& n) {
    for (const LoopProgram& loop : n.program().loops) halves += loop.target.vector != znver4.vector;
    return run_here(n, 2);
  });
  EXPECT_GT(halves, 10u);
}

TEST(NetworkObjects, GiveTheInterpretersBitsUnderQemu) {
  if (!have_program("qemu-aarch64") || !have_program("aarch64-linux-gnu-gcc"))
    GTEST_SKIP() << "no qemu-aarch64 or no aarch64-linux-gnu-gcc";
  expect_interpreters_bits(target("aarch64-linux"), 1, 16, run_in_emulator);
}

TEST(NetworkModules, GiveTheInterpretersBitsUnderNode) {
  for (const auto& [cpu, feature] : {std::pair{"simd128", "simd128"}, {"relaxed", "relaxed-simd"}}) {
    const auto node = node_with(feature);
    if (!node) GTEST_SKIP() << "no node with " << feature;
    expect_interpreters_bits(target("wasm32", cpu), 1, 16, [&](const TestNetwork& n) { return run_in_node(n, *node); });
  }
}

TEST(NetworkSources, GiveTheInterpretersBitsWithGccAndClang) {
  for (const char* compiler : {"gcc", "clang-19"}) {
    if (!have_program(compiler)) GTEST_SKIP() << "no " << compiler;
    const std::string command = std::string(compiler) + " -O2 ";
    expect_interpreters_bits(target("c99"), 1, 3, [&](const TestNetwork& n) { return run_as_c(n, command); });
    if (espalier_host_cpu_features() & ESPALIER_CPU_AVX2)
      expect_interpreters_bits(target("x86_64-linux", "haswell"), 7, 3,
                               [&](const TestNetwork& n) { return run_as_c(n, command + "-mavx2 -mfma "); });
    if (espalier_host_cpu_features() & ESPALIER_CPU_AVX512F)
      expect_interpreters_bits(target("x86_64-linux", "znver4"), 7, 3,
                               [&](const TestNetwork& n) { return run_as_c(n, command + "-mavx512f -mavx2 -mfma "); });
  }
}

TEST(NetworkSources, GiveTheInterpretersBitsUnderQemu) {
  if (!have_program("qemu-aarch64") || !have_program("aarch64-linux-gnu-gcc"))
    GTEST_SKIP() << "no qemu-aarch64 or no aarch64-linux-gnu-gcc";
  expect_interpreters_bits(target("aarch64-linux"), 20, 3, [](const TestNetwork& n) {
    return run_as_c(n, "aarch64-linux-gnu-gcc -O2 -static", "qemu-aarch64");
  });
}

}  // namespace
}  // namespace espalier::test
