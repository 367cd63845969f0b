#include "bench/peers/peer.h"

#include <vector>

namespace espalier {

// ESPALIER_PEERS is made by CMake of the files of this build: ESPALIER_PEER(ours) ESPALIER_PEER(xnnpack) ...
#define ESPALIER_PEER(name) std::vector<Peer> name##_peers();
ESPALIER_PEERS
#undef ESPALIER_PEER

std::vector<Peer> all_peers() {
  std::vector<Peer> peers;
  for (std::vector<Peer> (*make)() : {
#define ESPALIER_PEER(name) name##_peers,
           ESPALIER_PEERS
#undef ESPALIER_PEER
       })
    for (Peer& peer : make()) peers.push_back(std::move(peer));
  return peers;
}

PeerLayout layout_of(const KernelSpec& spec) {
  constexpr size_t kOverRead = 64;
  return {spec.input_elements() + kOverRead, spec.output_elements() + kOverRead,
          [spec](uint32_t channel, uint32_t pixel) { return spec.input_index(channel, pixel); },
          [spec](uint32_t channel, uint32_t pixel) { return spec.output_index(channel, pixel); }};
}

KernelSpec with_stride(KernelSpec spec, uint32_t stride) {
  spec.input_stride = spec.output_stride = stride;
  spec.input_panel = spec.output_panel = 0;
  return spec;
}

std::vector<float> dense_weights(const SparseMatrix& matrix) {
  std::vector<float> dense(size_t{matrix.rows()} * matrix.columns());
  for (uint32_t row = 0; row < matrix.rows(); ++row)
    for (size_t i = 0; i < matrix.row_columns(row).size(); ++i)
      dense[size_t{row} * matrix.columns() + matrix.row_columns(row)[i]] = matrix.row_values(row)[i];
  return dense;
}

}  // namespace espalier
