// XNNPACK's sparse 1x1 convolution through its operator API.
#include <xnnpack.h>

#include <memory>

#include "bench/peers/peer.h"

namespace espalier {
namespace {

struct Delete {
  void operator()(xnn_operator_t op) const { xnn_delete_operator(op); }
};
using Operator = std::unique_ptr<std::remove_pointer_t<xnn_operator_t>, Delete>;

Status failed(const char* call, xnn_status status) {
  if (status == xnn_status_success) return {};
  if (status == xnn_status_unsupported_hardware || status == xnn_status_unsupported_parameter)
    return unsupported("{}: status {}", call, static_cast<int>(status));
  return internal_error("{}: status {}", call, static_cast<int>(status));
}

Status create(const KernelSpec& spec, Operator& op) {
  if (Status s = failed("xnn_initialize", xnn_initialize(nullptr)); !s) return s;
  const std::vector<float> weights = dense_weights(spec.matrix);
  const size_t inputs = spec.matrix.columns(), outputs = spec.matrix.rows();
  xnn_operator_t made = nullptr;
  const xnn_status status = xnn_create_convolution2d_nchw_f32(
      0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, inputs, outputs, inputs, outputs, weights.data(),
      spec.bias.empty() ? nullptr : spec.bias.data(), spec.clamp.low, spec.clamp.high, 0, &made);
  op.reset(made);
  return failed("xnn_create_convolution2d_nchw_f32", status);
}

/// The operator is bound to its buffers by the first call.
struct Call {
  Operator op;
  uint32_t pixels;
  const float* x = nullptr;
  float* y = nullptr;

  void run(const float* input, float* output) {
    if (input != x || output != y) xnn_setup_convolution2d_nchw_f32(op.get(), 1, 1, pixels, input, output, nullptr);
    x = input, y = output;
    xnn_run_operator(op.get(), nullptr);
  }
};

Result<PreparedPeer> prepare(const KernelSpec& spec, const Target&) {
  Operator op;
  if (Status s = create(spec, op); !s) return std::move(s).error();
  auto call = std::make_shared<Call>(Call{std::move(op), spec.max_pixels()});
  // Its rows have no gaps: the stride is the pixel count.
  return PreparedPeer{
      layout_of(with_stride(spec, spec.max_pixels())), [call](const float* x, float* y) { call->run(x, y); }, {}};
}

}  // namespace

std::vector<Peer> xnnpack_peers() {
  return {{"XNNPACK", "`xnn_create_convolution2d_nchw_f32`, whose 1x1 kernels are sparse; on x86 they are SSE ones",
           true, false, prepare}};
}

}  // namespace espalier
