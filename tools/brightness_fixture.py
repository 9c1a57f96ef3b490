"""Makes `brightness.onnx` (of shared/testkit-models/models) and `pair.onnx` (of services/segmentation/tests/models) in a folder: coverage is
how bright a pixel is, so that what is made of it has a known truth.

`pair.onnx` tells how many pictures it sees at once: coverage is half of that, times how bright a pixel is.
"""
import pathlib
import sys

import onnx
from onnx import TensorProto, helper

SIDE = 512


def save(nodes, constants, pictures, path):
    shape = lambda channels: [pictures, SIDE, SIDE, channels]
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape(3))],
        [helper.make_tensor_value_info("coverage", TensorProto.FLOAT, shape(1))],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="framefleet")
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main():
    folder = pathlib.Path(sys.argv[1])
    mean = lambda to: helper.make_node("ReduceMean", ["picture"], [to], axes=[3], keepdims=1)
    save([mean("coverage")], [], 1, folder / "brightness.onnx")
    share = [
        mean("brightness"),
        helper.make_node("Shape", ["picture"], ["pictures"], start=0, end=1),
        helper.make_node("Cast", ["pictures"], ["count"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["count", "half"], ["share"]),
        helper.make_node("Mul", ["brightness", "share"], ["coverage"]),
    ]
    half = helper.make_tensor("half", TensorProto.FLOAT, [1], [0.5])
    save(share, [half], "pictures", folder / "pair.onnx")


if __name__ == "__main__":
    main()
