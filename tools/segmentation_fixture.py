"""Makes the network of services/segmentation/tests/networks: coverage is how bright a pixel is, so that masks have a known truth."""
import pathlib
import sys

import onnx
from onnx import TensorProto, helper

SIDE = 512


def main():
    nodes = [helper.make_node("ReduceMean", ["picture"], ["coverage"], axes=[3], keepdims=1)]
    shape = lambda channels: [1, SIDE, SIDE, channels]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape(3))],
        [helper.make_tensor_value_info("coverage", TensorProto.FLOAT, shape(1))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="framefleet")
    onnx.checker.check_model(model)
    onnx.save(model, pathlib.Path(sys.argv[1]) / "brightness.onnx")


if __name__ == "__main__":
    main()
