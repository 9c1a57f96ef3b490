"""Building ONNX graphs whose bytes depend on nothing but what is put in."""
import argparse

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# Readable by ONNX Runtime 1.15 and newer.
IR_VERSION = 9
OPSET = 17

TYPES = {"float32": TensorProto.FLOAT, "int32": TensorProto.INT32, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}


def parser(description):
    """The arguments that every recipe has."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--output", required=True, help="the ONNX file to write")
    return arguments


class Graph:
    """Nodes, constants, inputs and outputs, in the order in which they are added."""

    def __init__(self, name):
        self.name = name
        self.nodes = []
        self.constants = {}
        self.inputs = []
        self.outputs = []

    def input(self, name, shape, dtype="float32"):
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[dtype], shape))
        return name

    def output(self, name, shape, dtype="float32"):
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[dtype], shape))

    def constant(self, name, values):
        """Adds an array; the same name twice has to mean the same array."""
        values = numpy.asarray(values, order="C")
        known = self.constants.setdefault(name, values)
        assert known is values or numpy.array_equal(known, values), f"two constants are called {name}"
        return name

    def node(self, operator, inputs, output, **attributes):
        """Adds a node with one output, named like it."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def model(self):
        constants = [numpy_helper.from_array(values, name) for name, values in self.constants.items()]
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, constants)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, producer_name="framefleet", ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model

    def save(self, path):
        save(self.model(), path)


def save(model, path):
    """Writes a model; equal models make equal bytes."""
    with open(path, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))
