// Writes the seeds: make_corpus <folder>. Run it after a change of the test files' builders, and commit what it wrote.
#include <cstdio>

#include "ir/export/onnx_file.h"
#include "npy_zip_files.h"
#include "tflite_graphs.h"

namespace espalier::test {
namespace {

struct Seed {
  const char* path;
  std::string bytes;
};

ZipEntry entry(const char* name, std::string data, bool deflate) {
  ZipEntry e;
  e.name = name;
  e.data = std::move(data);
  e.deflate = deflate;
  return e;
}

std::string layer_npz(bool deflate, bool zip64) {
  std::vector<ZipEntry> entries{entry("w.npy", npy_floats("(4, 6)", fixture_dense()), deflate),
                                entry("w_bias.npy", npy_floats("(4,)", {0, 1, 2, 3}), deflate)};
  entries[1].zip64 = zip64;
  entries[0].descriptor = deflate;
  ZipEnd end;
  end.zip64 = zip64;
  return zip_file(entries, end);
}

TestModel blocked_model() {
  TestModel model;
  TestTensor packed{.name = "w", .shape = {4, 4}, .data = raw<float>({1, 2, 3, 4, 5, 6, 0, 8})};
  packed.sparsity = TestSparsity{{0, 1, 2, 3}, {0, 1}, {{0, 2}, {1, 0, {0, 1, 2}, {1, 0}, 3, 2}, {0, 2}, {0, 2}}};
  model.tensors = {
      {.name = "x", .shape = {1, 4}}, packed, {.name = "wd", .shape = {4, 4}}, {.name = "y", .shape = {3, 4}}};
  model.operators = {{.code = 124, .inputs = {1}, .outputs = {2}}, {.code = 9, .inputs = {0, 2, -1}, .outputs = {3}}};
  return model;
}

TestModel int8_model() {
  TestModel model = dense_conv_model();
  model.tensors[1] = {
      .name = "w", .shape = {2, 1, 1, 2}, .data = raw<int8_t>({1, 2, -3, 5}), .type = 9, .scales = {0.5f, 2.0f}};
  model.tensors[1].zero_points = {0, 5};
  model.tensors[2] = {.name = "b", .shape = {2}, .data = raw<float>({0, 0})};
  return model;
}

TestModel sparse_network() {
  TestModel model = sparse_conv_model();
  model.inputs = {0};
  model.outputs = {4};
  model.operators[1].options = {{1, 1}, {2, 1}, {3, int8_t{3}}};
  return model;
}

/// A little of everything that onnx_bytes writes; nothing where Espalier was built without ONNX.
std::vector<Seed> onnx_seeds() {
  Network network;
  network.name = "small";
  const TensorId x = add_input(network, "x", {1, 4, 4, 2});
  const auto add = [&](Operation operation, std::vector<TensorId> inputs, ActivationKind kind = ActivationKind::kNone) {
    return *add_layer(network, "layer", std::move(operation), std::move(inputs), Activation::of(kind));
  };
  const TensorId wide = add(Convolution{{}, 1, 4, {1, 0, 0, 2, 0, 0, 3, 4}, {1, 2, 3, 4}}, {x}, ActivationKind::kSwish);
  Convolution depthwise{{3, 3, 2, 2, 1, 1, {1, 1, 1, 1}}, 4, 4, std::vector<float>(36, 0.5f), {}};
  const TensorId small = add(depthwise, {wide}, ActivationKind::kHardSwish);
  const TensorId pooled = add(Pool{PoolKind::kMax, {2, 2, 1, 1, 1, 1, {}}}, {small});
  const TensorId sum = add(Binary{BinaryKind::kMultiply}, {pooled, add(Mean{}, {small})}, ActivationKind::kSigmoid);
  const TensorId vector = add(FullyConnected{3, std::vector<float>(12, 0.25f), {}}, {sum}, ActivationKind::kTanh);
  network.outputs = {add(Softmax{}, {vector}), add(Concat{Axis::kChannel}, {pooled, pooled})};
  const auto bytes = onnx_bytes(network);
  if (!bytes) return {};
  return {{"onnx_network/families", *bytes}};
}

std::vector<Seed> seeds() {
  const std::string npy = npy_floats("(4, 6)", fixture_dense());
  return {
      {"npy/float", npy},
      {"npy/fortran_big_endian", npy_file(npy_dictionary(">i2", "(2, 3)", true), raw<int16_t>({1, 2, 3, 4, 5, 6}))},
      {"npy/version2_conv", npy_file(npy_dictionary("<f2", "(1, 1, 2, 1)"), raw<uint16_t>({0x3c00, 0}), 2)},
      {"npz/stored", layer_npz(false, false)},
      {"npz/deflated_descriptor", layer_npz(true, false)},
      {"npz/zip64", layer_npz(true, true)},
      {"npz/scipy_csr", zip_file(scipy_csr_members())},
      {"mtx/real", "%%MatrixMarket matrix coordinate real general\n% c\n2 3 3\n1 1 1.5\n2 3 -2e1\n1 2 3\n"},
      {"mtx/symmetric", "%%MatrixMarket matrix coordinate integer symmetric\n3 3 2\n2 1 4\n3 3 1\n"},
      {"mtx/pattern", "%%MatrixMarket matrix coordinate pattern general\n2 2 2\n1 1\n2 2\n"},
      {"mtx/array", "%%MatrixMarket matrix array real skew-symmetric\n3 3\n1\n2\n3\n"},
      {"smtx/small", "2, 3, 3\n0 2 3\n0 2 1\n"},
      {"smtx/empty", "1, 1, 0\n0 0\n\n"},
      {"tflite/sparse_conv", tflite_file(sparse_conv_model())},
      {"tflite/dense_conv", tflite_file(dense_conv_model())},
      {"tflite/blocked", tflite_file(blocked_model())},
      {"tflite/int8", tflite_file(int8_model())},
      {"tflite_network/families", tflite_file(small_network_model())},
      {"tflite_network/sparse", tflite_file(sparse_network())},
  };
}

int write_seeds(const std::filesystem::path& folder) {
  std::vector<Seed> all = seeds();
  for (Seed& seed : onnx_seeds()) all.push_back(std::move(seed));
  for (const Seed& seed : all) {
    std::filesystem::create_directories((folder / seed.path).parent_path());
    if (Status s = write_file_bytes(folder / seed.path, as_byte_span(seed.bytes)); !s) {
      std::fprintf(stderr, "%s\n", s.error().message.c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace espalier::test

int main(int count, char** arguments) {
  if (count == 2) return espalier::test::write_seeds(arguments[1]);
  std::fprintf(stderr, "usage: make_corpus <folder>\n");
  return 2;
}
