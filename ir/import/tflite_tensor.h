// Constant TFLite tensors as fp32: sparse or dense, fp32, fp16 or int8.
#pragma once

#include "ir/import/tflite_model.h"

namespace espalier {

/// The stored entries of a constant tensor: entry i has value values[i] at row-major place places[i] of the dense
/// tensor. A dense tensor stores every place, so its `places` stays empty.
struct TfliteEntries {
  std::vector<uint64_t> shape;
  std::vector<uint64_t> places;
  std::vector<float> values;
};

/// What decoding may still cost, in stored entries, positions of sparse levels and matrix rows. One file may name the
/// same weights many times; the whole must stay in proportion to the file's size.
class DecodeBudget {
 public:
  explicit DecodeBudget(uint64_t file_bytes) : left_(file_bytes * 16 + (uint64_t{1} << 20)) {}
  Status spend(uint64_t entries) {
    if (entries > left_)
      return limit_exceeded("decoding {} more entries or rows exceeds what a file of this size may ask for", entries);
    left_ -= entries;
    return {};
  }

 private:
  uint64_t left_;
};

/// Follows DENSIFY and DEQUANTIZE from `tensor` back to the constant it comes from.
/// Errors (kBadInput): a tensor index out of range, a chain of more than 4 operators, a tensor that is not constant.
Result<const TfliteTensor*> find_constant(const TfliteModel& model, const TfliteGraph& graph, int32_t tensor);

/// The shape of a tensor. Errors (kBadInput): a dimension below 1; kLimit: more than 8 dimensions or 2^40 elements.
Result<std::vector<uint64_t>> tflite_shape(const TfliteTensor& tensor);

/// Decodes a constant tensor. Errors: kBadInput for buffers whose length does not fit the shape and sparsity parameters
/// that break their rules; kUnsupported for other element types.
Result<TfliteEntries> decode_tensor(const TfliteModel& model, const TfliteTensor& tensor, DecodeBudget& budget);

/// The places of a sparse tensor's values in row-major order of the dense tensor.
///
/// Level l of the sparse storage walks dimension traversal_order[l]; numbers of rank and above are the dimensions
/// inside a block, and block dimension b subdivides dimension block_map[b]. A dense level has all of its size, a
/// compressed one (CSR) for parent p the indices [segments[p], segments[p + 1]). Values lie in the order of the last
/// level. Errors (kBadInput): each rule that the parameters may break. Source:
/// tensorflow/lite/kernels/internal/utils/sparsity_format_converter.h.
Result<std::vector<uint64_t>> sparse_places(const FlatTable& sparsity, std::span<const uint64_t> shape, uint64_t values,
                                            const FlatFile& file, DecodeBudget& budget);

}  // namespace espalier
