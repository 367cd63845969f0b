"""Rewrites a pruned .tflite so that LiteRT and LiteRT.js run its 1x1 convolutions sparse.

    python3 bench/networks/sparse_tflite.py IN.tflite OUT.tflite

XNNPACK looks for sparsity only where weights are stored as sparse tensors behind DENSIFY, and takes a network that way
only if windows of stride 2 are padded alike on all sides, as MediaPipe's models do by PAD and VALID; SAME on an even
size pads more below and to the right. So OUT computes as much as IN, but of windows moved by a pixel: compile OUT for a
comparison. Needs PyPI's numpy and ai-edge-litert.
"""
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite

LEAST_ZEROS = 0.5


class Rewriter:
    def __init__(self, data):
        self.model = tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(data, 0))
        self.graph = self.model.subgraphs[0]
        self.densify = self.opcode(tflite.BuiltinOperator.DENSIFY)
        self.pad = self.opcode(tflite.BuiltinOperator.PAD)
        self.paddings = {}
        self.operators = []

    def opcode(self, builtin):
        code = tflite.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def kind(self, operator):
        code = self.model.operatorCodes[operator.opcodeIndex]
        return max(code.builtinCode, code.deprecatedBuiltinCode)

    def tensor(self, name, shape, kind=tflite.TensorType.FLOAT32, values=None, sparsity=None):
        made = tflite.TensorT()
        made.name, made.shape, made.type, made.hasRank, made.sparsity = name, list(shape), kind, True, sparsity
        made.buffer = 0 if values is None else self.buffer(values)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def buffer(self, values):
        made = tflite.BufferT()
        made.data = np.frombuffer(values.tobytes(), np.uint8)
        self.model.buffers.append(made)
        return len(self.model.buffers) - 1

    def add(self, opcode, inputs, output, options_type, options):
        made = tflite.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = opcode, inputs, [output]
        made.builtinOptionsType, made.builtinOptions = options_type, options
        self.operators.append(made)

    def store_sparse(self, convolution):
        dense = self.graph.tensors[convolution.inputs[1]]
        data = self.model.buffers[dense.buffer].data
        if data is None or dense.type != tflite.TensorType.FLOAT32 or list(dense.shape[1:3]) != [1, 1]:
            return
        weights = np.frombuffer(bytes(data), np.float32).reshape(dense.shape)
        if np.mean(weights == 0) < LEAST_ZEROS:
            return
        sparse = self.tensor(dense.name + b"/sparse", dense.shape, values=weights[weights != 0], sparsity=csr(weights))
        self.model.buffers[dense.buffer].data, dense.buffer = None, 0
        self.add(self.densify, [sparse], convolution.inputs[1], tflite.BuiltinOptions.DensifyOptions,
                 tflite.DensifyOptionsT())

    def pad_alike(self, window):
        options = window.builtinOptions
        if options.padding != tflite.Padding.SAME or (options.strideH, options.strideW) != (2, 2):
            return
        image = self.graph.tensors[window.inputs[0]]
        n, height, width, channels = image.shape
        _, kernel, columns, _ = self.graph.tensors[window.inputs[1]].shape
        if kernel != columns or kernel % 2 == 0 or height % 2 or width % 2:
            sys.exit(f"{image.name.decode()}: is {height}x{width} under {kernel}x{columns}, but this rewrites odd "
                     "squares on even sizes only")
        lines = kernel // 2
        padded = self.tensor(image.name + b"/padded", [n, height + 2 * lines, width + 2 * lines, channels])
        self.add(self.pad, [window.inputs[0], self.padding(lines)], padded, tflite.BuiltinOptions.PadOptions,
                 tflite.PadOptionsT())
        window.inputs = [padded, *window.inputs[1:]]
        options.padding = tflite.Padding.VALID

    def padding(self, lines):
        if lines not in self.paddings:
            values = np.array([[0, 0], [lines, lines], [lines, lines], [0, 0]], np.int32)
            self.paddings[lines] = self.tensor(b"padding%d" % lines, [4, 2], tflite.TensorType.INT32, values)
        return self.paddings[lines]

    def rewrite(self):
        for operator in self.graph.operators:
            kind = self.kind(operator)
            if kind == tflite.BuiltinOperator.CONV_2D:
                self.store_sparse(operator)
            if kind in (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D):
                self.pad_alike(operator)
            self.operators.append(operator)
        self.graph.operators = self.operators
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return builder.Output()


def integers(values):
    made = tflite.Int32VectorT()
    made.values = values.astype(np.int32)
    return made


def csr(weights):
    """The last dimension, input channels, compressed; the others dense: what TensorFlow's converter writes."""
    made = tflite.SparsityParametersT()
    made.traversalOrder = [0, 1, 2, 3]
    made.dimMetadata = [tflite.DimensionMetadataT() for _ in range(4)]
    for dimension, size in zip(made.dimMetadata[:3], weights.shape):
        dimension.format, dimension.denseSize = tflite.DimensionType.DENSE, size
    rows = weights.reshape(-1, weights.shape[3]) != 0
    last = made.dimMetadata[3]
    last.format = tflite.DimensionType.SPARSE_CSR
    last.arraySegmentsType = last.arrayIndicesType = tflite.SparseIndexVector.Int32Vector
    last.arraySegments = integers(np.concatenate([[0], np.cumsum(rows.sum(1))]))
    last.arrayIndices = integers(np.nonzero(rows)[1])
    return made


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        rewritten = Rewriter(file.read()).rewrite()
    with open(target, "wb") as file:
        file.write(rewritten)


main()
