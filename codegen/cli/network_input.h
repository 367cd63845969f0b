// What a network runs on, from the command line.
#pragma once

#include <string>
#include <vector>

#include "ir/network/network.h"

namespace CLI {
class App;
}

namespace espalier::cli {

struct NetworkInputArguments {
  std::vector<std::string> files;  ///< .npy, PNG or JPEG, in the order of the network's inputs
  std::string range = "0,1";       ///< what bytes 0..255 of pictures become

  void add_to(CLI::App& app);
};

/// One array per input in NHWC order: from the files, or seeded (SeededRandom(seed).weight(), all inputs in order)
/// where there are none. Errors: those of the readers; kBadInput for a wrong number of files or elements, or a range
/// that is not LOW,HIGH.
Result<std::vector<std::vector<float>>> network_inputs(const NetworkInputArguments& arguments, const Network& network,
                                                       uint64_t seed);

}  // namespace espalier::cli
