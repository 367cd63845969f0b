// The dense 1x1 convolution of oneDNN in the memory formats that it chooses itself.
#include <omp.h>

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>

#include "bench/peers/peer.h"

namespace espalier {
namespace {

using dnnl::memory;
using Convolution = dnnl::convolution_forward;

/// The element of (channel, pixel) in an activation of one image, one pixel row, and at most one block of channels.
std::function<size_t(uint32_t, uint32_t)> index_of(const memory::desc& desc) {
  const auto& blocking = desc.data.format_desc.blocking;
  const auto block = static_cast<size_t>(blocking.inner_nblks ? blocking.inner_blks[0] : 1);
  const auto channels = static_cast<size_t>(blocking.strides[1]), pixels = static_cast<size_t>(blocking.strides[3]);
  return
      [=](uint32_t channel, uint32_t pixel) { return channel / block * channels + channel % block + pixel * pixels; };
}

bool is_indexable(const memory::desc& desc) {
  const auto& blocking = desc.data.format_desc.blocking;
  return desc.data.format_kind == dnnl_blocked && blocking.inner_nblks <= 1 &&
         (blocking.inner_nblks == 0 || blocking.inner_idxs[0] == 1);
}

Convolution::primitive_desc describe(const KernelSpec& spec, const dnnl::engine& engine) {
  const memory::dim inputs = spec.matrix.columns(), outputs = spec.matrix.rows(), pixels = spec.max_pixels();
  auto any = [](memory::dims dims) { return memory::desc(dims, memory::data_type::f32, memory::format_tag::any); };
  dnnl::post_ops after;
  if (spec.clamp.has_low() || spec.clamp.has_high())
    after.append_eltwise(1, dnnl::algorithm::eltwise_clip, spec.clamp.low, spec.clamp.high);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(after);
  const memory::dims one = {1, 1}, none = {0, 0};
  return {{dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, any({1, inputs, 1, pixels}),
           any({outputs, inputs, 1, 1}), any({outputs}), any({1, outputs, 1, pixels}), one, none, none},
          attributes,
          engine};
}

/// A primitive with its weights in place; only x and y change.
struct Call {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  Convolution::primitive_desc description;
  Convolution primitive;
  memory weights, bias, x, y;
  std::unordered_map<int, memory> arguments;

  explicit Call(const KernelSpec& spec)
      : description(describe(spec, engine)),
        primitive(description),
        weights(description.weights_desc(), engine),
        bias(description.bias_desc(), engine),
        x(description.src_desc(), engine, DNNL_MEMORY_NONE),
        y(description.dst_desc(), engine, DNNL_MEMORY_NONE),
        arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, y}} {
    fill(spec);
  }

  void fill(const KernelSpec& spec) {
    std::vector<float> dense = dense_weights(spec.matrix), biases = spec.bias;
    biases.resize(spec.matrix.rows());
    const memory::dims dims = {spec.matrix.rows(), spec.matrix.columns(), 1, 1};
    memory plain({dims, memory::data_type::f32, memory::format_tag::oihw}, engine, dense.data());
    dnnl::reorder(plain, weights).execute(stream, plain, weights);
    std::copy(biases.begin(), biases.end(), static_cast<float*>(bias.get_data_handle()));
    stream.wait();
  }

  void run(const float* input, float* output) {
    x.set_data_handle(const_cast<float*>(input));
    y.set_data_handle(output);
    primitive.execute(stream, arguments);
    stream.wait();
  }
};

Result<PreparedPeer> prepare_throwing(const KernelSpec& spec) {
  omp_set_num_threads(1);
  auto call = std::make_shared<Call>(spec);
  const memory::desc in = call->description.src_desc(), out = call->description.dst_desc();
  if (!is_indexable(in) || !is_indexable(out)) return unsupported("oneDNN chose a memory format we cannot fill");
  return PreparedPeer{{in.get_size() / sizeof(float), out.get_size() / sizeof(float), index_of(in), index_of(out)},
                      [call](const float* x, float* y) { call->run(x, y); },
                      call->description.impl_info_str()};
}

Result<PreparedPeer> prepare(const KernelSpec& spec, const Target&) {
  try {
    return prepare_throwing(spec);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return unsupported("oneDNN: {}", error.what());
    return internal_error("oneDNN: {}", error.what());
  }
}

}  // namespace

std::vector<Peer> onednn_peers() {
  return {{"oneDNN", "dense 1x1 convolution with bias and clamp, activations and weights in formats of its own choice",
           true, false, prepare}};
}

}  // namespace espalier
