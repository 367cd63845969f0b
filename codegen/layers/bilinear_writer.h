// Bilinear resizing where rows and columns of the image have addresses of their own (not in panels).
#pragma once

#include <span>

#include "codegen/layers/step_builder.h"
#include "ir/network/resize_source.h"

namespace espalier {

/// Writes the loops of a bilinear Resize, a line of the output at a time, divided among the program's `items`. Sources
/// and parts are tables of h + w entries. Channel rows are first interpolated between two lines of the input, in
/// vectors, into the scratch buffer.
void write_bilinear_lines(StepBuilder& step, const LayerRequest& request, std::span<const ResizeSource> rows,
                          std::span<const ResizeSource> columns, uint32_t items);

}  // namespace espalier
