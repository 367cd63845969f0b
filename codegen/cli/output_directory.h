#pragma once

#include <span>
#include <string>

#include "backends/output_file.h"
#include "ir/error.h"

namespace espalier::cli {

/// Writes files into `directory` (created where missing). Each appears whole or not at all: everything is written into
/// a staging folder beside the final places first and renamed from there, and the staging folder is removed whatever
/// happens. Existing files of the same names are replaced. Errors: kSystem; nothing is changed when staging fails, and
/// folders made on the way are removed again.
Status write_files(const std::string& directory, std::span<const OutputFile> files);

}  // namespace espalier::cli
