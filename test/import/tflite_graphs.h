// Small TFLite graphs for the tests of whole networks.
#pragma once

#include "tflite_files.h"

namespace espalier::test {

/// Builds a graph operator by operator. Every operator reads the result of the one before, and more tensors behind it.
class TestGraph {
 public:
  explicit TestGraph(std::vector<int32_t> input_shape) {
    last_ = tensor({.name = "x", .shape = std::move(input_shape)});
  }

  int32_t tensor(TestTensor tensor) {
    model_.tensors.push_back(std::move(tensor));
    return static_cast<int32_t>(model_.tensors.size() - 1);
  }
  int32_t floats(std::vector<int32_t> shape, const std::vector<float>& values) {
    return tensor({.name = "constant", .shape = std::move(shape), .data = raw(values)});
  }
  int32_t integers(std::vector<int32_t> shape, const std::vector<int32_t>& values) {
    return tensor({.name = "integers", .shape = std::move(shape), .data = raw(values), .type = 2});
  }
  int32_t last() const { return last_; }

  TestGraph& then(int32_t code, std::vector<int32_t> more_inputs, std::vector<int32_t> output_shape,
                  std::vector<TestOption> options = {}) {
    more_inputs.insert(more_inputs.begin(), last_);
    return op(code, std::move(more_inputs), std::move(output_shape), std::move(options));
  }
  TestGraph& op(int32_t code, std::vector<int32_t> inputs, std::vector<int32_t> output_shape,
                std::vector<TestOption> options = {}) {
    last_ = tensor({.name = "layer", .shape = std::move(output_shape)});
    model_.operators.push_back({.code = code, .inputs = std::move(inputs), .outputs = {last_}});
    model_.operators.back().options = std::move(options);
    return *this;
  }

  TestModel model() const {
    TestModel model = model_;
    model.inputs = {0};
    model.outputs = {last_};
    return model;
  }
  std::string file() const { return tflite_file(model()); }

 private:
  TestModel model_;
  int32_t last_;
};

/// A graph that uses every family of operators: convolutions (dense, sparse, depthwise), pads, squeeze-excite, pools,
/// resizing, concatenation, a reshaped and transposed matrix.
TestModel small_network_model();

}  // namespace espalier::test
