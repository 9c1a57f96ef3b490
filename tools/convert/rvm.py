"""Robust Video Matting, a TensorFlow.js graph model, to ONNX: one picture of any size, four states in and four out.

The model can also look at a smaller picture and refine what it sees; that branch is left out, callers choose the size. What TensorFlow spells as
splitting a picture into several, convolving these and joining them again becomes a dilated convolution.
"""
import json

import graph
from tfjs import Converter, output
from tfjs_file import data_inputs, number

STATES = {"r1i": 16, "r2i": 20, "r3i": 40, "r4i": 64}
OUTPUTS = ["pha", "r1o", "r2o", "r3o", "r4o"]


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("model")
    arguments.add_argument("weights")
    arguments = arguments.parse_args()
    with open(arguments.model) as text, open(arguments.weights, "rb") as weights:
        converter = Matting(json.load(text), weights.read())
    converter.convert(None, OUTPUTS).save(arguments.output)


class Matting(Converter):
    def __init__(self, model, content):
        for node in model["modelTopology"]["node"]:
            if node["op"] in ("Merge", "Switch"):
                # The first branch is the one for pictures that are not made smaller.
                node["input"] = node["input"][:1]
        for value in model["signature"]["outputs"].values():
            for axis, dimension in enumerate(value["tensorShape"]["dim"]):
                if dimension["size"] == "-1":
                    dimension["size"] = "1" if axis == 0 else "0"
        super().__init__(model, content)

    def convert(self, shape, wanted):
        result = super().convert(shape, wanted)
        for value in result.outputs:
            for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
                if dimension.dim_value == 0:
                    dimension.dim_param = f"{value.name}_{'height' if axis == 1 else 'width'}"
        return result

    def do_placeholder(self, name, _inputs, _attributes):
        if name in STATES:
            self.graph.input(name, [1, f"{name}_height", f"{name}_width", STATES[name]])
        else:
            assert name == "src", name
            self.graph.input(name, [1, "height", "width", 3])

    def do_switch(self, name, inputs, _attributes):
        self.node("Identity", inputs, name)
        self.graph.node("Identity", [name], output(name, 1))

    def do_merge(self, name, inputs, _attributes):
        self.node("Identity", inputs, name)

    def do_spacetobatchnd(self, _name, _inputs, _attributes):
        """Nothing: the convolution that follows reads what this reads."""

    def do_batchtospacend(self, name, inputs, _attributes):
        self.node("Identity", inputs[:1], name)

    def do_depthwiseconv2dnative(self, name, inputs, attributes):
        source = self.nodes.get(inputs[0])
        if source and source["op"] == "SpaceToBatchND":
            picture, block = data_inputs(source)[:2]
            inputs = [picture, *inputs[1:]]
            height, width = (int(side) for side in self.known[block])
            attributes = dict(attributes, dilations={"list": {"i": ["1", str(height), str(width), "1"]}})
        super().do_depthwiseconv2dnative(name, inputs, attributes)

    def do_avgpool(self, name, inputs, attributes):
        self.pool("AveragePool", name, inputs, attributes)

    def do_broadcastto(self, name, inputs, _attributes):
        self.node("Expand", inputs, name)

    def do_tanh(self, name, inputs, _attributes):
        self.node("Tanh", inputs, name)

    def do_splitv(self, name, inputs, attributes):
        outputs = [output(name, at) for at in range(number(attributes, "num_split"))]
        sizes = self.graph.constant(f"{name}.sizes", self.known[inputs[1]])
        node = graph.helper.make_node("Split", [inputs[0], sizes], outputs, axis=int(self.known[inputs[2]]))
        self.graph.nodes.append(node)

    def do_slice(self, name, inputs, _attributes):
        """A size of −1 goes to the end: begin and size are added, and −1 made the largest number there is."""
        begin, size = inputs[1:]
        last = self.node("Add", [begin, size], f"{name}.last")
        to_the_end = self.node("Less", [size, self.scalar(0, "<i8")], f"{name}.to_the_end")
        end = self.node("Where", [to_the_end, self.scalar(2**62, "<i8"), last], f"{name}.end")
        self.node("Slice", [inputs[0], begin, end], name)


if __name__ == "__main__":
    main()
