"""Block-quantised ONNX to float32 ONNX.

OpenCV's model zoo distributes weights as int8 with a scale per block of 64 (DequantizeLinear with block_size, opset 21), which
ONNX Runtime 1.31 does not load. The weights are multiplied out here, w = (q - zero) * scale, and the first axis is freed; nothing else changes.
"""
import numpy
import onnx
from onnx import helper, numpy_helper

import graph
from free_batch import free_batch


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("input")
    arguments = arguments.parse_args()
    model = onnx.load(arguments.input)
    dequantise(model.graph)
    graph.save(free_batch(model), arguments.output)


def dequantise(network):
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in network.initializer}
    nodes = []
    for node in network.node:
        values = fold(node, constants)
        if values is None:
            nodes.append(node)
        else:
            constants[node.output[0]] = values
    used = [name for node in nodes for name in node.input]
    replace(network.node, nodes)
    kept = dict.fromkeys(name for name in used if name in constants)
    replace(network.initializer, [numpy_helper.from_array(constants[name], name) for name in kept])
    # Older exporters list weights among the inputs, by the names that they had before they were quantised.
    replace(network.input, [value for value in network.input if value.name in used and value.name not in constants])
    replace(network.value_info, [])


def fold(node, constants):
    """The value of a node that only depends on constants, if it is one of the two that quantisation left."""
    if node.op_type not in ("DequantizeLinear", "Reshape") or any(name and name not in constants for name in node.input):
        return None
    inputs = [constants[name] for name in node.input if name]
    if node.op_type == "Reshape":
        return inputs[0].reshape(inputs[1])
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    quantised, scale = inputs[0].astype(numpy.float32), inputs[1].astype(numpy.float32)
    zero = inputs[2].astype(numpy.float32) if len(inputs) > 2 else numpy.zeros_like(scale)
    axis, block = attributes.get("axis", 1), attributes.get("block_size", 0)
    return (quantised - spread(zero, quantised.shape, axis, block)) * spread(scale, quantised.shape, axis, block)


def spread(values, shape, axis, block):
    """Values per tensor, per channel or per block, in the shape of what they belong to."""
    if block:
        return numpy.repeat(values, block, axis).take(range(shape[axis]), axis)
    if values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if dimension == axis else 1 for dimension in range(len(shape))])


def replace(repeated, values):
    values = list(values)
    del repeated[:]
    repeated.extend(values)


if __name__ == "__main__":
    main()
