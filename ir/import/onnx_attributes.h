// Which attributes of ONNX operators are read.
#pragma once

#include "ir/import/onnx_model.h"

namespace espalier {

/// Every attribute of the node must be one that its operator's reader looks at, of the type that the specification
/// gives it, or one that changes nothing of what inference computes: to pass over any other would be to misread the
/// model. Errors: kUnsupported for an attribute or value that is not read, kBadInput for another type.
/// Source: onnx/docs/Operators.md and Changelog.md (opset 7 to 23).
Status check_attributes(const OnnxNode& node);

}  // namespace espalier
