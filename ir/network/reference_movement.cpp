// Layers that only move elements.
#include <algorithm>

#include "ir/network/reference_layers.h"

namespace espalier {
namespace {

/// Every place of a shape: f(n, h, w, c).
template <typename Function>
void for_each_place(const Shape& shape, Function f) {
  for (uint32_t n = 0; n < shape.n; ++n)
    for (uint32_t h = 0; h < shape.h; ++h)
      for (uint32_t w = 0; w < shape.w; ++w)
        for (uint32_t c = 0; c < shape.c; ++c) f(n, h, w, c);
}

/// Row-major places of the elements of a shape in NCHW order.
std::vector<uint64_t> channels_first_places(const Shape& s) {
  std::vector<uint64_t> places;
  places.reserve(s.elements());
  for_each_place({s.n, s.c, s.h, s.w},
                 [&](uint32_t n, uint32_t c, uint32_t h, uint32_t w) { places.push_back(s.index(n, h, w, c)); });
  return places;
}

}  // namespace

void run_layer(const DepthToSpace& operation, const ReferenceCall& call) {
  const Shape &in = call.in(), &out = call.shape;
  const uint32_t block = operation.block, places = block * block;
  const bool block_first = operation.order == DepthOrder::kBlockFirst;
  for_each_place(out, [&](uint32_t n, uint32_t y, uint32_t x, uint32_t c) {
    const uint32_t place = y % block * block + x % block;
    const uint32_t channel = block_first ? place * out.c + c : c * places + place;
    call.store(out.index(n, y, x, c), double{call.inputs[0][in.index(n, y / block, x / block, channel)]});
  });
}

void run_layer(const Concat& operation, const ReferenceCall& call) {
  const auto axis = static_cast<size_t>(operation.axis);
  uint32_t before = 0;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    std::array<uint32_t, kAxes> offset{};
    offset[axis] = before;
    for_each_place(call.shapes[i], [&](uint32_t n, uint32_t h, uint32_t w, uint32_t c) {
      const uint64_t to = call.shape.index(n + offset[0], h + offset[1], w + offset[2], c + offset[3]);
      call.store(to, double{call.inputs[i][call.shapes[i].index(n, h, w, c)]});
    });
    before += call.shapes[i].sizes()[axis];
  }
}

void run_layer(const Pad& operation, const ReferenceCall& call) {
  const auto& b = operation.before;
  std::fill(call.output.begin(), call.output.end(), operation.value);
  for_each_place(call.in(), [&](uint32_t n, uint32_t h, uint32_t w, uint32_t c) {
    call.store(call.shape.index(n + b[0], h + b[1], w + b[2], c + b[3]),
               double{call.inputs[0][call.in().index(n, h, w, c)]});
  });
}

void run_layer(const Reshape& operation, const ReferenceCall& call) {
  if (!operation.channels_first) {
    std::copy(call.inputs[0].begin(), call.inputs[0].end(), call.output.begin());
    return;
  }
  const std::vector<uint64_t> from = channels_first_places(call.in()), to = channels_first_places(call.shape);
  for (uint64_t i = 0; i < from.size(); ++i) call.output[to[i]] = call.inputs[0][from[i]];
}

}  // namespace espalier
