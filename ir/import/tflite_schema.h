// Field numbers of tensorflow/lite/schema/schema.fbs (version 3), as far as weights need them.
#pragma once

namespace espalier::tflite_field {

enum Model : unsigned { kVersion = 0, kOperatorCodes = 1, kSubgraphs = 2, kBuffers = 4 };
enum OperatorCode : unsigned { kDeprecatedBuiltinCode = 0, kBuiltinCode = 3 };
enum SubGraph : unsigned { kTensors = 0, kOperators = 3 };
enum Tensor : unsigned { kShape = 0, kType = 1, kBuffer = 2, kName = 3, kQuantization = 4, kSparsity = 6 };
enum Buffer : unsigned { kData = 0, kDataOffset = 1 };
enum Operator : unsigned { kOpcodeIndex = 0, kInputs = 1, kOutputs = 2, kOptionsType = 3, kOptions = 4 };
enum Quantization : unsigned { kScale = 2, kZeroPoint = 3, kQuantizedDimension = 6 };
enum Sparsity : unsigned { kTraversalOrder = 0, kBlockMap = 1, kDimMetadata = 2 };
enum DimMetadata : unsigned {
  kFormat = 0,
  kDenseSize = 1,
  kSegmentsType = 2,
  kSegments = 3,
  kIndicesType = 4,
  kIndices = 5
};
enum IndexVector : unsigned { kValues = 0 };
enum Conv2dOptions : unsigned { kConvStrideW = 1, kConvStrideH = 2, kConvActivation = 3 };
enum FullyConnectedOptions : unsigned { kFullyConnectedActivation = 0, kWeightsFormat = 1 };

}  // namespace espalier::tflite_field
