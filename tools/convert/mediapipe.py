"""TensorFlow Lite to ONNX, for the operators of MediaPipe's networks: float weights, stored as 32 or 16 bits, dense or sparse.

Inputs and outputs keep their names and their NHWC layout, and have a free first axis; inside, pictures are NCHW. Sparse weights are written out
("DENSIFY", TensorFlow's "Sparsity in TFLite" format of 2019).
"""
import numpy
import tflite

import graph
from free_batch import free_batch

NAMES = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
DTYPES = {tflite.TensorType.FLOAT32: "<f4", tflite.TensorType.FLOAT16: "<f2", tflite.TensorType.INT32: "<i4"}
ACTIVATIONS = {0: None, 1: "Relu", 3: "Relu6"}


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("input")
    arguments = arguments.parse_args()
    with open(arguments.input, "rb") as file:
        content = file.read()
    network = Converter(tflite.Model.GetRootAs(content, 0)).convert()
    graph.save(free_batch(network.model()), arguments.output)


class Converter:
    def __init__(self, model):
        self.model = model
        self.network = model.Subgraphs(0)
        self.graph = graph.Graph("tflite")
        self.constants = {}
        self.shapes = [self.shape(index) for index in range(self.network.TensorsLength())]

    def convert(self):
        for index in self.network.InputsAsNumpy():
            name = self.graph.input(self.tensor_name(index), self.shapes[index])
            self.graph.node("Transpose", [name], f"t{index}", perm=[0, 3, 1, 2])
        for number in range(self.network.OperatorsLength()):
            self.operator(self.network.Operators(number))
        for index in self.network.OutputsAsNumpy():
            name, shape = self.tensor_name(index), self.shapes[index]
            if len(shape) == 4:
                self.graph.node("Transpose", [self.value(index)], name, perm=[0, 2, 3, 1])
            else:
                self.graph.node("Identity", [self.value(index)], name)
            self.graph.output(name, shape)
        return self.graph

    def tensor_name(self, index):
        return self.network.Tensors(index).Name().decode()

    def shape(self, index):
        tensor = self.network.Tensors(index)
        return [int(size) for size in tensor.ShapeAsNumpy()] if tensor.ShapeLength() else []

    def constant(self, index):
        """The array of a tensor that does not depend on the inputs, or None."""
        if index not in self.constants:
            tensor = self.network.Tensors(index)
            buffer = self.model.Buffers(tensor.Buffer())
            if buffer.DataLength() == 0:
                return None
            values = numpy.frombuffer(buffer.DataAsNumpy().tobytes(), DTYPES[tensor.Type()])
            sparsity = tensor.Sparsity()
            self.constants[index] = values.reshape(self.shapes[index]) if sparsity is None else dense(values, sparsity, self.shapes[index])
        return self.constants[index]

    def value(self, index):
        """The name of a tensor in the graph; a constant comes in as it broadcasts against NCHW."""
        values = self.constant(index)
        if values is None:
            return f"t{index}"
        values = values.astype("<f4")
        if values.ndim == 4:
            values = values.transpose(0, 3, 1, 2)
        elif values.ndim in (1, 3):
            values = values.reshape(-1, 1, 1) if values.size == values.shape[-1] else values.transpose(2, 0, 1)
        return self.graph.constant(f"c{index}", values)

    def operator(self, operator):
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        kind = NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        if kind == "CUSTOM":
            kind = code.CustomCode().decode()
        inputs = [int(index) for index in operator.InputsAsNumpy()]
        output = int(operator.OutputsAsNumpy()[0])
        if kind in ("DEQUANTIZE", "DENSIFY"):
            self.constants[output] = self.constant(inputs[0]).astype("<f4")
            return
        method = getattr(self, f"do_{kind.lower()}", None)
        if method is None:
            raise SystemExit(f"there is no rule for operator {kind}")
        method(inputs, output, operator.BuiltinOptions())

    def emit(self, kind, inputs, output, activation=0, **attributes):
        """One node, and what is fused to it."""
        name = f"t{output}"
        fused = ACTIVATIONS[activation]
        self.graph.node(kind, inputs, name if fused is None else f"{name}_linear", **attributes)
        if fused == "Relu":
            self.graph.node("Relu", [f"{name}_linear"], name)
        elif fused == "Relu6":
            self.graph.node("Clip", [f"{name}_linear", self.scalar(0), self.scalar(6)], name)

    def scalar(self, value):
        return self.graph.constant(f"number_{value}", numpy.float32(value))

    # Convolutions.

    def convolution(self, inputs, output, read, weights, groups):
        options = read()
        strides = [options.StrideH(), options.StrideW()]
        dilations = [options.DilationHFactor(), options.DilationWFactor()]
        kernel = list(weights.shape[2:])
        pads = self.pads(inputs[0], options.Padding(), kernel, strides, dilations)
        names = [self.value(inputs[0]), self.graph.constant(f"w{output}", weights)]
        if len(inputs) > 2 and inputs[2] >= 0:
            names.append(self.graph.constant(f"b{output}", self.constant(inputs[2]).astype("<f4")))
        self.emit("Conv", names, output, options.FusedActivationFunction(), kernel_shape=kernel, strides=strides,
                  dilations=dilations, pads=pads, group=groups)

    def do_conv_2d(self, inputs, output, options):
        weights = self.constant(inputs[1]).transpose(0, 3, 1, 2)
        self.convolution(inputs, output, lambda: table(tflite.Conv2DOptions, options), weights, 1)

    def do_depthwise_conv_2d(self, inputs, output, options):
        weights = self.constant(inputs[1]).transpose(3, 0, 1, 2)
        groups = self.shapes[inputs[0]][3]
        self.convolution(inputs, output, lambda: table(tflite.DepthwiseConv2DOptions, options), weights, groups)

    def do_convolution2dtransposebias(self, inputs, output, _options):
        """MediaPipe's own: stride and kernel are equal, so that nothing overlaps and no padding is needed."""
        weights = self.constant(inputs[1]).astype("<f4")
        kernel = list(weights.shape[1:3])
        strides = [to // of for to, of in zip(self.shapes[output][1:3], self.shapes[inputs[0]][1:3])]
        assert kernel == strides, (kernel, strides)
        names = [self.graph.constant(f"w{output}", weights.transpose(3, 0, 1, 2)),
                 self.graph.constant(f"b{output}", self.constant(inputs[2]).astype("<f4").ravel())]
        self.emit("ConvTranspose", [self.value(inputs[0]), *names], output, kernel_shape=kernel, strides=strides)

    def pads(self, index, padding, kernel, strides, dilations=(1, 1)):
        """ONNX's pads (top, left, bottom, right) for SAME (0) or VALID (1); SAME puts the odd one behind."""
        if padding == 1:
            return [0, 0, 0, 0]
        before, after = [], []
        for size, length, stride, dilation in zip(self.shapes[index][1:3], kernel, strides, dilations):
            steps = -(-size // stride)
            total = max((steps - 1) * stride + (length - 1) * dilation + 1 - size, 0)
            before.append(total // 2)
            after.append(total - total // 2)
        return before + after

    def pool(self, kind, inputs, output, options, **attributes):
        options = table(tflite.Pool2DOptions, options)
        kernel, strides = [options.FilterHeight(), options.FilterWidth()], [options.StrideH(), options.StrideW()]
        pads = self.pads(inputs[0], options.Padding(), kernel, strides)
        self.emit(kind, [self.value(inputs[0])], output, options.FusedActivationFunction(), kernel_shape=kernel,
                  strides=strides, pads=pads, **attributes)

    def do_max_pool_2d(self, inputs, output, options):
        self.pool("MaxPool", inputs, output, options)

    def do_average_pool_2d(self, inputs, output, options):
        self.pool("AveragePool", inputs, output, options, count_include_pad=0)

    # Element by element.

    def do_add(self, inputs, output, options):
        activation = table(tflite.AddOptions, options).FusedActivationFunction()
        self.emit("Add", [self.value(index) for index in inputs], output, activation)

    def do_mul(self, inputs, output, options):
        activation = table(tflite.MulOptions, options).FusedActivationFunction()
        self.emit("Mul", [self.value(index) for index in inputs], output, activation)

    def do_relu(self, inputs, output, _options):
        self.emit("Relu", [self.value(inputs[0])], output)

    def do_prelu(self, inputs, output, _options):
        self.emit("PRelu", [self.value(index) for index in inputs], output)

    def do_logistic(self, inputs, output, _options):
        self.emit("Sigmoid", [self.value(inputs[0])], output)

    def do_hard_swish(self, inputs, output, _options):
        self.emit("HardSwish", [self.value(inputs[0])], output)

    # Shapes.

    def do_mean(self, inputs, output, _options):
        axes = [int(axis) for axis in self.constant(inputs[1]).ravel()]
        assert sorted(axes) == [1, 2], axes
        self.emit("ReduceMean", [self.value(inputs[0])], output, axes=[2, 3], keepdims=1)

    def do_pad(self, inputs, output, _options):
        amounts = self.constant(inputs[1])[[0, 3, 1, 2]]
        pads = self.graph.constant(f"pads{output}", amounts.T.ravel().astype("<i8"))
        self.emit("Pad", [self.value(inputs[0]), pads], output)

    def do_resize_bilinear(self, inputs, output, options):
        options = table(tflite.ResizeBilinearOptions, options)
        mode = "align_corners" if options.AlignCorners() else "half_pixel" if options.HalfPixelCenters() else "asymmetric"
        batch, height, width, channels = self.shapes[output]
        sizes = self.graph.constant(f"sizes{output}", numpy.array([batch, channels, height, width], "<i8"))
        self.emit("Resize", [self.value(inputs[0]), "", "", sizes], output, mode="linear", coordinate_transformation_mode=mode)

    def do_depth_to_space(self, inputs, output, options):
        block = table(tflite.DepthToSpaceOptions, options).BlockSize()
        self.emit("DepthToSpace", [self.value(inputs[0])], output, blocksize=block, mode="DCR")

    def do_reshape(self, inputs, output, _options):
        name = self.value(inputs[0])
        if len(self.shapes[inputs[0]]) == 4:
            name = self.graph.node("Transpose", [name], f"t{output}_nhwc", perm=[0, 2, 3, 1])
        assert len(self.shapes[output]) < 4, "a reshape to a picture has no rule"
        shape = self.graph.constant(f"shape{output}", numpy.array(self.shapes[output], "<i8"))
        self.emit("Reshape", [name, shape], output)

    def do_concatenation(self, inputs, output, options):
        axis = table(tflite.ConcatenationOptions, options).Axis() % len(self.shapes[output])
        if len(self.shapes[output]) == 4:
            axis = [0, 2, 3, 1][axis]
        self.emit("Concat", [self.value(index) for index in inputs], output, axis=axis)


def table(kind, options):
    """An operator's options, typed."""
    typed = kind()
    typed.Init(options.Bytes, options.Pos)
    return typed


def dense(values, sparsity, shape):
    """Sparse weights written out: every level of the traversal, dense or compressed rows, adds a coordinate."""
    rank = len(shape)
    order = sparsity.TraversalOrderAsNumpy()
    blocked = list(sparsity.BlockMapAsNumpy()) if sparsity.BlockMapLength() else []
    coordinates = numpy.zeros((1, 0), "<i8")
    blocks = {}
    for level, dimension in enumerate(order):
        metadata = sparsity.DimMetadata(level)
        if metadata.Format() == tflite.DimensionType.DENSE:
            size = metadata.DenseSize()
            added = numpy.tile(numpy.arange(size), len(coordinates))
            counts = size
        else:
            counts = numpy.diff(integers(metadata.ArraySegmentsType(), metadata.ArraySegments()))
            added = integers(metadata.ArrayIndicesType(), metadata.ArrayIndices())
        coordinates = numpy.column_stack([numpy.repeat(coordinates, counts, axis=0), added])
        if dimension >= rank:
            blocks[int(blocked[dimension - rank])] = (level, metadata.DenseSize())
    index = []
    for dimension in range(rank):
        outer = coordinates[:, list(order).index(dimension)]
        level, size = blocks.get(dimension, (None, 1))
        index.append(outer if level is None else outer * size + coordinates[:, level])
    result = numpy.zeros(shape, values.dtype)
    result[tuple(index)] = values
    return result


def integers(kind, union):
    vector = {1: tflite.Int32Vector, 2: tflite.Uint16Vector, 3: tflite.Uint8Vector}[kind]
    return table(vector, union).ValuesAsNumpy().astype("<i8")


if __name__ == "__main__":
    main()
