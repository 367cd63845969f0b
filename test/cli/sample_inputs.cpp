#include "sample_inputs.h"

#include <fmt/format.h>

#include <cmath>

#include "npy_zip_files.h"
#include "tflite_files.h"

namespace espalier::test {
namespace {

ZipEntry layer(const std::string& name, const std::string& npy) {
  ZipEntry entry;
  entry.name = name + ".npy";
  entry.data = npy;
  return entry;
}

std::string dense_layer(size_t rows, size_t columns) {
  std::vector<float> values(rows * columns);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i % 3 == 0 ? 0 : static_cast<float>(i % 7) - 3.5f;
  return npy_floats(fmt::format("({}, {})", rows, columns), values);
}

std::string three_layers(const std::string& middle) {
  return zip_file({layer("first", dense_layer(4, 6)), layer("middle", middle), layer("last", dense_layer(6, 4))});
}

}  // namespace

std::string small_matrix() {
  return "%%MatrixMarket matrix coordinate real general\n"
         "4 5 6\n1 1 0.5\n1 3 -1\n2 2 2\n3 5 1.25\n4 1 3\n4 4 -0.75\n";
}

std::vector<float> small_matrix_dense() {
  return {0.5f, 0, -1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1.25f, 3, 0, 0, -0.75f, 0};
}

std::string layers_file(size_t layers, size_t rows, size_t columns) {
  const std::string data = dense_layer(rows, columns);
  std::vector<ZipEntry> entries;
  for (size_t i = 0; i < layers; ++i) entries.push_back(layer(fmt::format("layer{}", i), data));
  return zip_file(entries);
}

std::string layers_with_nan_in_the_middle() { return three_layers(npy_floats("(1, 2)", {1, NAN})); }

std::string layers_with_a_huge_one_in_the_middle() {
  std::string weights(2000000, '\0');
  weights[7] = 1;
  return three_layers(npy_file(npy_dictionary("|u1", "(1, 2000000)"), weights));
}

std::string layers_that_differ_in_capitals() {
  return zip_file({layer("conv", dense_layer(4, 6)), layer("Conv", dense_layer(4, 6))});
}

std::string small_model() { return tflite_file(sparse_conv_model()); }

}  // namespace espalier::test
