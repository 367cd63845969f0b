#include "readers.h"

#include <cstdio>
#include <cstdlib>

#include "ir/import/matrix_file.h"
#include "ir/import/matrix_market.h"
#include "ir/import/network_file.h"
#include "ir/import/npz.h"
#include "ir/network/network_cost.h"
#include "ir/network/passes/passes.h"
#include "ir/network/run_reference.h"

namespace espalier::test {
namespace {

void require(bool condition, const char* promise) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

void check_message(const Error& error, std::string_view file_name) {
  require(error.kind != ErrorKind::kInternal, "bad input is never an internal error");
  require(error.message.starts_with(file_name), "every message names the file");
  for (const char c : error.message) require(c >= 0x20 && c < 0x7f, "messages hold only printable characters");
}

/// A matrix rebuilt from its own arrays must be the same one: whatever a reader returns is valid.
void check_matrix(const NamedMatrix& named) {
  const SparseMatrix& m = named.matrix;
  const auto again = SparseMatrix::from_csr(m.rows(), m.columns(), {m.row_offsets().begin(), m.row_offsets().end()},
                                            {m.column_indices().begin(), m.column_indices().end()},
                                            {m.values().begin(), m.values().end()});
  require(again && *again == m, "a matrix is valid");
  require(named.bias.empty() || named.bias.size() == m.rows(), "a bias has one value per row");
}

void run_matrices(std::string_view file_name, Bytes bytes) {
  const auto list = parse_weight_list(file_name, bytes);
  if (!list) check_message(list.error(), file_name);
  const auto matrices = parse_matrices(file_name, bytes);
  if (!matrices) return check_message(matrices.error(), file_name);
  require(bool(list), "what can be read can be listed");
  for (const NamedMatrix& named : *matrices) check_matrix(named);
}

void run_npy(Bytes bytes) {
  const auto array = parse_npy("f.npy", bytes);
  if (!array) check_message(array.error(), "f.npy");
  if (array) {
    const auto again = parse_npy("again.npy", npy_bytes(*array));
    require(again && again->data == array->data && again->shape == array->shape,
            "what was read can be written and read again");
  }
  run_matrices("f.npy", bytes);
}
void run_npz(Bytes bytes) { run_matrices("f.npz", bytes); }
void run_mtx(Bytes bytes) { run_matrices("f.mtx", bytes); }
void run_smtx(Bytes bytes) {
  const auto matrix = parse_smtx("f.smtx", bytes);
  if (!matrix) return check_message(matrix.error(), "f.smtx");
  check_matrix(*matrix);
}
void run_tflite(Bytes bytes) { run_matrices("f.tflite", bytes); }

/// The reference executor is plain loops over what a file of 40 bytes may announce.
bool is_small(const Network& network) {
  constexpr uint64_t kMost = 1u << 14;
  uint64_t elements = 0;
  for (const Tensor& tensor : network.tensors) elements += tensor.shape.elements();
  for (const Layer& layer : network.layers)  // a window may be far larger than what it covers
    if (const auto* pool = layer.as<Pool>(); pool && uint64_t{pool->window.height} * pool->window.width > 64)
      return false;
  return elements <= kMost && cost_of(network).multiply_adds <= kMost;
}

void run_if_small(const Network& network) {
  if (!is_small(network)) return;
  std::vector<std::vector<float>> inputs;
  for (const TensorId input : network.inputs) inputs.emplace_back(network.shape_of(input).elements(), 1.0f);
  require(bool(run_reference(network, inputs)), "a network that verifies runs");
}

void run_network(Bytes bytes, const char* file) {
  Result<Network> network = parse_network(file, bytes);
  if (!network) return check_message(network.error(), file);
  require(bool(verify(*network)), "a network that is read verifies");
  for (const char c : to_string(*network))
    require(c == '\n' || (c >= 0x20 && c < 0x7f), "names of a network are printable");
  run_if_small(*network);
  require(bool(simplify(*network)), "a network that verifies can be simplified");
  run_if_small(*network);
}

void run_tflite_network(Bytes bytes) { run_network(bytes, "f.tflite"); }
void run_onnx_network(Bytes bytes) { run_network(bytes, "f.onnx"); }

}  // namespace

const FuzzedReader kReaders[kFuzzedReaders] = {{"npy", run_npy},
                                               {"npz", run_npz},
                                               {"mtx", run_mtx},
                                               {"smtx", run_smtx},
                                               {"tflite", run_tflite},
                                               {"tflite_network", run_tflite_network},
                                               {"onnx_network", run_onnx_network}};

void run_reader(std::string_view format, Bytes bytes) {
  for (const FuzzedReader& reader : kReaders)
    if (reader.format == format) reader.run(bytes);
}

}  // namespace espalier::test
