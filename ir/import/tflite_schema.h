// Field numbers of tensorflow/lite/schema/schema.fbs (version 3), as far as they are read.
#pragma once

namespace espalier::tflite_field {

enum Model : unsigned { kVersion = 0, kOperatorCodes = 1, kSubgraphs = 2, kDescription = 3, kBuffers = 4 };
enum OperatorCode : unsigned { kDeprecatedBuiltinCode = 0, kCustomCode = 1, kBuiltinCode = 3 };
enum SubGraph : unsigned { kTensors = 0, kGraphInputs = 1, kGraphOutputs = 2, kOperators = 3 };
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
/// The padding and the strides stand there in Conv2DOptions, DepthwiseConv2DOptions and Pool2DOptions alike.
enum WindowOptions : unsigned { kWindowPadding = 0, kWindowStrideW = 1, kWindowStrideH = 2 };
enum Conv2dOptions : unsigned {
  kConvStrideW = 1,
  kConvStrideH = 2,
  kConvActivation = 3,
  kConvDilationW = 4,
  kConvDilationH = 5
};
enum DepthwiseOptions : unsigned {
  kDepthMultiplier = 3,
  kDepthwiseActivation = 4,
  kDepthwiseDilationW = 5,
  kDepthwiseDilationH = 6
};
enum Pool2dOptions : unsigned { kPoolWidth = 3, kPoolHeight = 4, kPoolActivation = 5 };
enum FullyConnectedOptions : unsigned { kFullyConnectedActivation = 0, kWeightsFormat = 1, kKeepDimensions = 2 };
enum BinaryOptions : unsigned { kBinaryActivation = 0 };  // AddOptions, SubOptions, MulOptions
enum ConcatenationOptions : unsigned { kConcatAxis = 0, kConcatActivation = 1 };
enum ReshapeOptions : unsigned { kNewShape = 0 };
enum ReducerOptions : unsigned { kKeepDims = 0 };
enum SqueezeOptions : unsigned { kSqueezeDimensions = 0 };
enum SoftmaxOptions : unsigned { kBeta = 0 };
enum LeakyReluOptions : unsigned { kAlpha = 0 };
enum DepthToSpaceOptions : unsigned { kBlockSize = 0 };
enum ResizeBilinearOptions : unsigned { kBilinearAlignCorners = 2, kBilinearHalfPixel = 3 };
enum ResizeNearestOptions : unsigned { kNearestAlignCorners = 0, kNearestHalfPixel = 1 };

}  // namespace espalier::tflite_field
