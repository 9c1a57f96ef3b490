"""A face restoration network whose weight between quality and fidelity is a number of 64 bits: takes one of 32 bits instead."""
import onnx
from onnx import TensorProto, helper

import graph

NAME = "weight"
WIDE = "weight_of_64_bits"


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("input")
    arguments = arguments.parse_args()
    model = onnx.load(arguments.input)
    narrow(model.graph)
    onnx.checker.check_model(model)
    graph.save(model, arguments.output)


def narrow(network):
    weight = next((value for value in network.input if value.name == NAME), None)
    if weight is None or weight.type.tensor_type.elem_type != TensorProto.DOUBLE:
        raise SystemExit(f"its input {NAME} is missing, or is no number of 64 bits")
    weight.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in network.node:
        for place, name in enumerate(node.input):
            if name == NAME:
                node.input[place] = WIDE
    network.node.insert(0, helper.make_node("Cast", [NAME], [WIDE], name=WIDE, to=TensorProto.DOUBLE))


if __name__ == "__main__":
    main()
