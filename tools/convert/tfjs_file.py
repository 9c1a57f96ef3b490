"""What stands in the files of a TensorFlow.js graph model: weights, and the attributes of nodes."""
import base64

import numpy


def constants(manifest, content):
    """The weights by name: stored one behind the other, floats perhaps with 16 bits, or 8 with a scale."""
    result, at = {}, 0
    for weight in manifest:
        quantization = weight.get("quantization")
        stored = numpy.dtype(quantization["dtype"] if quantization else weight["dtype"]).newbyteorder("<")
        count = int(numpy.prod(weight["shape"]))
        values = numpy.frombuffer(content, stored, count, at).reshape(weight["shape"])
        at += values.nbytes
        if quantization and "scale" in quantization:
            values = values * numpy.float32(quantization["scale"]) + numpy.float32(quantization["min"])
        kinds = {"float32": "<f4", "int32": "<i8", "bool": "?"}
        result[weight["name"]] = values.astype(kinds[weight["dtype"]])
    assert at == len(content), f"{len(content) - at} bytes of weights were not read"
    return result


def data_inputs(node):
    """What a node reads; inputs marked ^ only say what comes before it."""
    return [source for source in node.get("input", []) if not source.startswith("^")]


def output(name, at):
    """What TensorFlow calls an output of a node."""
    return f"{name}:{at}" if at else name


def number(attributes, name):
    return int(attributes.get(name, {}).get("i", 0))


def flag(attributes, name):
    return int(bool(attributes.get(name, {}).get("b", False)))


def sides(attributes, name):
    """Height and width of a list by NHWC."""
    return [int(size) for size in attributes.get(name, {}).get("list", {}).get("i", [1, 1, 1, 1])][1:3]


def fused(attributes):
    """The operators that follow a convolution in the same node."""
    return [base64.b64decode(text).decode() for text in attributes.get("fused_ops", {}).get("list", {}).get("s", [])]


def padding(attributes):
    """TensorFlow's SAME puts the odd pixel behind, as ONNX's SAME_UPPER does."""
    return {"SAME": "SAME_UPPER", "VALID": "VALID"}[base64.b64decode(attributes["padding"]["s"]).decode()]
