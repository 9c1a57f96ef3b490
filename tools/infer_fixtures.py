"""Makes the small networks that the tests of shared/infer run: fixed random weights, a few KB each.

    python3 -m venv V && V/bin/pip install onnx==1.23.2 numpy==2.4.6
    V/bin/python tools/infer_fixtures.py shared/infer/tests/models
"""
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper


def save(folder, name, nodes, inputs, outputs, weights=()):
    graph = h.make_graph(nodes, name, inputs, outputs, [numpy_helper.from_array(array, key) for key, array in weights])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9, producer_name="framefleet")
    onnx.checker.check_model(model, full_check=True)
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


def classifier(folder, name, batch):
    """Convolution, ReLU, mean over the picture, linear layer: [batch, 3, 16, 16] -> scores [batch, 5], features [batch, 8]."""
    random = numpy.random.default_rng(7)
    weights = [
        ("kernel", random.normal(0, 0.3, (8, 3, 3, 3)).astype(numpy.float32)),
        ("kernel_bias", random.normal(0, 0.3, 8).astype(numpy.float32)),
        ("linear", random.normal(0, 0.5, (8, 5)).astype(numpy.float32)),
    ]
    nodes = [
        h.make_node("Conv", ["pixels", "kernel", "kernel_bias"], ["convolved"], pads=[1, 1, 1, 1], name="conv"),
        h.make_node("Relu", ["convolved"], ["positive"], name="relu"),
        h.make_node("ReduceMean", ["positive"], ["features"], axes=[2, 3], keepdims=0, name="mean"),
        h.make_node("MatMul", ["features", "linear"], ["scores"], name="matmul"),
    ]
    inputs = [h.make_tensor_value_info("pixels", T.FLOAT, [batch, 3, 16, 16])]
    outputs = [h.make_tensor_value_info("scores", T.FLOAT, [batch, 5]), h.make_tensor_value_info("features", T.FLOAT, [batch, 8])]
    save(folder, name, nodes, inputs, outputs, weights)


def blur(folder):
    """Takes pictures of any size, and a strength that all pictures of a batch share: out = conv(pixels) * strength."""
    kernel = numpy.zeros((3, 3, 3, 3), numpy.float32)
    for channel in range(3):
        kernel[channel, channel] = 1 / 9
    nodes = [
        h.make_node("Conv", ["pixels", "kernel"], ["soft"], pads=[1, 1, 1, 1]),
        h.make_node("Mul", ["soft", "strength"], ["out"]),
    ]
    shape = ["batch", 3, "height", "width"]
    inputs = [h.make_tensor_value_info("pixels", T.FLOAT, shape), h.make_tensor_value_info("strength", T.FLOAT, [1])]
    save(folder, "blur", nodes, inputs, [h.make_tensor_value_info("out", T.FLOAT, shape)], [("kernel", kernel)])


def one_inside(folder):
    """Files whose first axis is open and that compute one item all the same: by a reshape to 1, and by a mean over the axis."""
    random = numpy.random.default_rng(11)
    linear = random.normal(0, 0.1, (3 * 16 * 16, 5)).astype(numpy.float32)
    inputs = [h.make_tensor_value_info("pixels", T.FLOAT, ["N", 3, 16, 16])]
    outputs = [h.make_tensor_value_info("scores", T.FLOAT, ["N", 5])]
    reshape = [h.make_node("Reshape", ["pixels", "shape"], ["flat"]), h.make_node("MatMul", ["flat", "linear"], ["scores"])]
    shape = numpy.array([1, 3 * 16 * 16], numpy.int64)
    save(folder, "reshapes_to_one", reshape, inputs, outputs, [("linear", linear), ("shape", shape)])
    centre = [
        h.make_node("ReduceMean", ["pixels"], ["mean"], axes=[0], keepdims=1),
        h.make_node("Sub", ["pixels", "mean"], ["centred"]),
        h.make_node("Flatten", ["centred"], ["flat"]),
        h.make_node("MatMul", ["flat", "linear"], ["scores"]),
    ]
    save(folder, "centres_the_batch", centre, inputs, outputs, [("linear", linear)])


def types(folder):
    """One input of each element type, each given back twice, one after the other."""
    kinds = {"f32": T.FLOAT, "f16": T.FLOAT16, "u8": T.UINT8, "i32": T.INT32, "i64": T.INT64}
    nodes = [h.make_node("Concat", [f"{kind}_in", f"{kind}_in"], [f"{kind}_out"], axis=0) for kind in kinds]
    inputs = [h.make_tensor_value_info(f"{kind}_in", code, [2, 3]) for kind, code in kinds.items()]
    outputs = [h.make_tensor_value_info(f"{kind}_out", code, [4, 3]) for kind, code in kinds.items()]
    save(folder, "types", nodes, inputs, outputs)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    classifier(target, "classifier", "N")
    classifier(target, "classifier_one", 1)
    blur(target)
    types(target)
    one_inside(target)
