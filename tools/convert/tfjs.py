"""TensorFlow.js graph models to ONNX, for the operators of MoveNet, MediaPipe's face mesh and CenterNet; any number of
pictures, and any size where the model allows it.

Tensors keep their NHWC layout: convolutions, pools and resizes are wrapped in transpositions, which ONNX Runtime removes again.
TensorFlow's int32 becomes int64, in which ONNX states shapes and indices. What only depends on constants is computed here.
"""
import json

import numpy

import graph
from free_batch import free_batch
from tfjs_file import constants, data_inputs, flag, fused, number, output, padding, sides

FUSED = {"_FusedConv2D": "Conv2D", "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative"}
TO_ONNX = {"DT_FLOAT": 1, "DT_INT32": 7, "DT_INT64": 7, "DT_BOOL": 9}
# Operators that ONNX has under the same or another name, with the same inputs and no attributes.
SAME = {
    "Abs": "Abs", "Add": "Add", "AddN": "Sum", "AddV2": "Add", "Equal": "Equal", "Exp": "Exp", "Floor": "Floor", "FloorDiv": "Div",
    "FloorMod": "Mod", "GatherNd": "GatherND", "Greater": "Greater", "GreaterEqual": "GreaterOrEqual", "Identity": "Identity",
    "Less": "Less", "LogicalAnd": "And", "Maximum": "Max", "Minimum": "Min", "Mul": "Mul", "Prelu": "PRelu", "Range": "Range",
    "RealDiv": "Div", "Reciprocal": "Reciprocal", "Relu": "Relu", "Reshape": "Reshape", "Select": "Where", "SelectV2": "Where",
    "Shape": "Shape", "Sigmoid": "Sigmoid", "Size": "Size", "Sqrt": "Sqrt", "Sub": "Sub", "Tile": "Tile",
}  # fmt: skip
# What is computed here when all inputs are constants.
FOLDED = {
    "Add": numpy.add, "AddV2": numpy.add, "FloorDiv": numpy.floor_divide, "Maximum": numpy.maximum, "Minimum": numpy.minimum,
    "Mul": numpy.multiply, "Reshape": lambda x, shape: x.reshape(shape), "Sub": numpy.subtract,
}  # fmt: skip
# As far as a slice can go.
END = 2**63 - 1
REDUCTIONS = {"Max": "ReduceMax", "Mean": "ReduceMean", "Min": "ReduceMin", "Prod": "ReduceProd"}


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("--input-shape", required=True, help="sizes of the only input, names for those that are free: N,H,W,3")
    arguments.add_argument("--output-name", action="append", help="outputs to keep, by the model's names [default: all]")
    arguments.add_argument("model")
    arguments.add_argument("weights")
    arguments = arguments.parse_args()
    with open(arguments.model) as text, open(arguments.weights, "rb") as weights:
        converter = Converter(json.load(text), weights.read())
    shape = [int(size) if size.isdigit() else size for size in arguments.input_shape.split(",")]
    network = converter.convert([1, *shape[1:]], arguments.output_name).model()
    graph.save(network if shape[0] == 1 else free_batch(network), arguments.output)


class Converter:
    def __init__(self, model, content):
        manifest = [weight for group in model["weightsManifest"] for weight in group["weights"]]
        self.known = constants(manifest, content)
        self.nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
        self.signature = model["signature"]
        self.graph = graph.Graph("tfjs")
        self.done = set()

    def convert(self, shape, wanted):
        outputs = {key.split(":")[0]: value for key, value in self.signature["outputs"].items()}
        kept = [(name, value) for name, value in outputs.items() if not wanted or name in wanted]
        self.input_shape = shape
        for _, value in kept:
            self.visit(value["name"].split(":")[0])
        for name, value in kept:
            source = value["name"].split(":")[0]
            if name != source:
                self.graph.node("Identity", [source], name)
            self.graph.output(name, [int(dimension["size"]) for dimension in value["tensorShape"]["dim"]])
        return self.graph

    def visit(self, name):
        """Converts a node after those that it needs. A stack of its own: graphs are deeper than Python's."""
        stack = [name]
        while stack:
            node = self.nodes[stack[-1]]
            sources = [source.split(":")[0] for source in data_inputs(node)]
            waiting = [source for source in sources if source not in self.done]
            if waiting:
                stack += waiting
                continue
            name = stack.pop()
            if name not in self.done:
                self.done.add(name)
                self.operator(node)

    def operator(self, node):
        kind, name = node["op"], node["name"]
        inputs = [source.removesuffix(":0") for source in data_inputs(node)]
        if kind == "Const":
            return
        if kind in FOLDED and all(source in self.known for source in inputs):
            self.known[name] = FOLDED[kind](*(self.known[source] for source in inputs))
            return
        method = getattr(self, f"do_{FUSED.get(kind, kind).lower()}", None)
        if method:
            method(name, inputs, node.get("attr", {}))
        elif kind in SAME:
            self.node(SAME[kind], inputs, name)
        elif kind in REDUCTIONS:
            axes = [int(axis) for axis in self.known[inputs[1]].ravel()]
            self.node(REDUCTIONS[kind], inputs[:1], name, axes=axes, keepdims=flag(node["attr"], "keep_dims"))
        else:
            raise SystemExit(f"there is no rule for operator {kind}")

    def node(self, operator, inputs, output, **attributes):
        """Adds a node; constants among its inputs come into the graph when something needs them."""
        names = [self.graph.constant(name, self.known[name]) if name in self.known else name for name in inputs]
        return self.graph.node(operator, names, output, **attributes)

    def integers(self, *values):
        return self.graph.constant("integers_" + "_".join(map(str, values)), numpy.array(values, "<i8"))

    def scalar(self, value, dtype="<f4"):
        return self.graph.constant(f"scalar_{numpy.dtype(dtype).kind}{value}", numpy.array(value, dtype))

    def do_placeholder(self, name, _inputs, attributes):
        dtype = attributes["dtype"]["type"]
        if dtype == "DT_INT32":
            given = self.graph.input(f"{name}_int32", self.input_shape, "int32")
            self.graph.node("Cast", [given], name, to=TO_ONNX[dtype])
        else:
            self.graph.input(name, self.input_shape)

    # Pictures.

    def picture(self, name, source, convert):
        """Runs `convert` on an NCHW view and turns its result back."""
        inside = self.node("Transpose", [source], f"{name}.nchw", perm=[0, 3, 1, 2])
        self.node("Transpose", [convert(inside)], name, perm=[0, 2, 3, 1])

    def do_conv2d(self, name, inputs, attributes):
        self.convolution(name, inputs, attributes, self.known[inputs[1]].transpose(3, 2, 0, 1), 1)

    def do_depthwiseconv2dnative(self, name, inputs, attributes):
        weights = self.known[inputs[1]]
        height, width, channels, multiple = weights.shape
        weights = weights.transpose(2, 3, 0, 1).reshape(channels * multiple, 1, height, width)
        self.convolution(name, inputs, attributes, weights, channels)

    def convolution(self, name, inputs, attributes, weights, groups):
        activations, arguments = fused(attributes), inputs[2:]
        parts = [self.graph.constant(f"{name}.weight", weights)]
        if activations[:1] == ["BiasAdd"]:
            parts.append(self.graph.constant(f"{name}.bias", self.known[arguments.pop(0)].ravel()))
            activations.pop(0)
        how = dict(strides=sides(attributes, "strides"), dilations=sides(attributes, "dilations"), auto_pad=padding(attributes))
        last = f"{name}.linear" if activations else name
        self.picture(last, inputs[0], lambda x: self.node("Conv", [x, *parts], f"{name}.conv", group=groups,
                                                         kernel_shape=list(weights.shape[2:]), **how))
        for activation in activations:
            assert activation in ("Relu", "Relu6", "Prelu") and len(activations) == 1, activations
            getattr(self, f"activate_{activation.lower()}")(name, [last, *arguments])

    def activate_relu(self, name, inputs):
        self.node("Relu", inputs, name)

    def activate_prelu(self, name, inputs):
        self.node("PRelu", inputs, name)

    def activate_relu6(self, name, inputs):
        self.node("Clip", [inputs[0], self.scalar(0), self.scalar(6)], name)

    def do_relu6(self, name, inputs, _attributes):
        self.activate_relu6(name, inputs)

    def do_maxpool(self, name, inputs, attributes):
        self.pool("MaxPool", name, inputs, attributes)

    def pool(self, operator, name, inputs, attributes):
        how = dict(kernel_shape=sides(attributes, "ksize"), strides=sides(attributes, "strides"), auto_pad=padding(attributes))
        self.picture(name, inputs[0], lambda x: self.node(operator, [x], f"{name}.pool", **how))

    def do_resizebilinear(self, name, inputs, attributes):
        mode = "align_corners" if flag(attributes, "align_corners") else "asymmetric"
        mode = "half_pixel" if flag(attributes, "half_pixel_centers") else mode

        def resize(x):
            shape = self.node("Shape", [x], f"{name}.shape", start=0, end=2)
            sizes = self.node("Concat", [shape, inputs[1]], f"{name}.sizes", axis=0)
            return self.node("Resize", [x, "", "", sizes], f"{name}.resize", mode="linear", coordinate_transformation_mode=mode)

        self.picture(name, inputs[0], resize)

    # Shapes and indices.

    def do_cast(self, name, inputs, attributes):
        self.node("Cast", inputs, name, to=TO_ONNX[attributes["DstT"]["type"]])

    def do_pad(self, name, inputs, _attributes):
        self.node("Pad", [inputs[0], self.graph.constant(f"{name}.pads", self.known[inputs[1]].T.ravel())], name)

    def do_transpose(self, name, inputs, _attributes):
        self.node("Transpose", inputs[:1], name, perm=[int(axis) for axis in self.known[inputs[1]]])

    def do_squeeze(self, name, inputs, attributes):
        self.node("Squeeze", [inputs[0], self.integers(*(int(axis) for axis in attributes["squeeze_dims"]["list"]["i"]))], name)

    def do_expanddims(self, name, inputs, _attributes):
        self.node("Unsqueeze", [inputs[0], self.integers(int(self.known[inputs[1]].ravel()[0]))], name)

    def do_concatv2(self, name, inputs, _attributes):
        self.node("Concat", inputs[:-1], name, axis=int(self.known[inputs[-1]]))

    def do_pack(self, name, inputs, attributes):
        axis = number(attributes, "axis")
        parts = [self.node("Unsqueeze", [part, self.integers(axis)], f"{name}.{at}") for at, part in enumerate(inputs)]
        self.node("Concat", parts, name, axis=axis)

    def do_unpack(self, name, inputs, attributes):
        for at in range(number(attributes, "num")):
            self.node("Gather", [inputs[0], self.scalar(at, "<i8")], output(name, at), axis=number(attributes, "axis"))

    def do_split(self, name, inputs, attributes):
        outputs = [output(name, at) for at in range(number(attributes, "num_split"))]
        self.graph.nodes.append(graph.helper.make_node("Split", [inputs[1]], outputs, axis=int(self.known[inputs[0]])))

    def do_fill(self, name, inputs, _attributes):
        self.node("Expand", [inputs[1], inputs[0]], name)

    def do_gatherv2(self, name, inputs, attributes):
        assert number(attributes, "batch_dims") == 0
        self.node("Gather", inputs[:2], name, axis=int(self.known[inputs[2]]))

    def do_stridedslice(self, name, inputs, attributes):
        """The masks are bits by axis: begin and end there do not count; an axis is taken away; one is added."""
        assert number(attributes, "ellipsis_mask") == 0
        begin, end, step = (self.known[source].tolist() for source in inputs[1:4])
        masks = {kind: number(attributes, f"{kind}_mask") for kind in ("begin", "end", "shrink_axis", "new_axis")}
        has = lambda kind, axis: masks[kind] >> axis & 1
        added = [axis for axis in range(len(begin)) if has("new_axis", axis)]
        slices, dropped = [], []
        for axis in (axis for axis in range(len(begin)) if axis not in added):
            at = axis - sum(new < axis for new in added)
            if has("shrink_axis", axis):
                dropped.append(at)
                slices.append((begin[axis], begin[axis] + 1 if begin[axis] != -1 else END, at, 1))
            else:
                first = 0 if has("begin", axis) else begin[axis]
                last = END if has("end", axis) else end[axis]
                slices.append((first, last, at, step[axis]))
        result = self.node("Slice", [inputs[0], *(self.integers(*column) for column in zip(*slices))], f"{name}.slice")
        if dropped:
            result = self.node("Squeeze", [result, self.integers(*dropped)], f"{name}.squeeze")
        if added:
            result = self.node("Unsqueeze", [result, self.integers(*added)], f"{name}.unsqueeze")
        self.node("Identity", [result], name)

    # Arithmetic.

    def do_sum(self, name, inputs, attributes):
        axes = self.integers(*(int(axis) for axis in self.known[inputs[1]].ravel()))
        self.node("ReduceSum", [inputs[0], axes], name, keepdims=flag(attributes, "keep_dims"))

    def do_argmax(self, name, inputs, _attributes):
        self.node("ArgMax", inputs[:1], name, axis=int(self.known[inputs[1]]), keepdims=0)

    def do_topkv2(self, name, inputs, _attributes):
        count = self.integers(int(self.known[inputs[1]]))
        self.graph.nodes.append(graph.helper.make_node("TopK", [inputs[0], count], [name, output(name, 1)]))

    def do_square(self, name, inputs, _attributes):
        self.node("Mul", [inputs[0], inputs[0]], name)

    def do_squareddifference(self, name, inputs, _attributes):
        difference = self.node("Sub", inputs, f"{name}.difference")
        self.node("Mul", [difference, difference], name)

    def do_rsqrt(self, name, inputs, _attributes):
        self.node("Reciprocal", [self.node("Sqrt", inputs, f"{name}.sqrt")], name)

    def do_batchmatmulv2(self, name, inputs, attributes):
        assert not flag(attributes, "adj_x"), "only the second matrix is turned"
        left, right = inputs
        if flag(attributes, "adj_y") and right in self.known:
            right = self.graph.constant(f"{name}.turned", self.known[right].swapaxes(-1, -2))
        elif flag(attributes, "adj_y"):
            # A stack of matrices: the checker refuses what has another rank.
            right = self.node("Transpose", [right], f"{name}.turned", perm=[0, 2, 1])
        self.node("MatMul", [left, right], name)


if __name__ == "__main__":
    main()
