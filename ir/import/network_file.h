// A whole network out of any file that Espalier reads.
#pragma once

#include "ir/import/bytes.h"
#include "ir/network/network.h"

namespace espalier {

/// Reads a model; the format is told by the first bytes, and by the file name's ending where these say nothing.
/// Nothing is simplified: see ir/network/passes.
/// Errors: the format's reader's; kBadInput for an unknown format; kSystem. Every message starts with the file's name.
Result<Network> read_network(const std::filesystem::path& path);

/// Whether it is one by its name's ending or its first bytes; false where it cannot be read.
bool is_network_file(const std::filesystem::path& path);

/// read_network of bytes in memory.
Result<Network> parse_network(std::string_view file_name, Bytes bytes);

}  // namespace espalier
