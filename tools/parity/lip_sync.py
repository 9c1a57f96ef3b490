"""Makes the fixtures of services/sync: what python_speech_features makes of a signal, and two tiny networks of SyncNet's form.

One has fixed random weights: it knows nothing, and shows shapes and order of what goes in. The other compares how dark one photograph's mouth
is with how loud the sound is: it knows that photograph alone, and shows which way offsets are counted."""
import argparse
import json
import pathlib

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from python_speech_features import mfcc

OPSET = 17
STEPS = 20
WIDTH = 4
EMBEDDING = 16
SEED = 20
# Rows and columns of the photograph's mouth in the crop, and of the middle of the sound.
MOUTH = ((108, 146), (85, 142))
MIDDLE = (7, 10)
# Mean and deviation of both over the test's speech, which make them comparable; silence counts as this loud.
BRIGHTNESS_MEAN, BRIGHTNESS_STD = 135.0, 21.6
LOUDNESS_MEAN, LOUDNESS_STD = 17.7, 2.9
SILENCE = 12.0
# Distances of networks that are trained for it are about as large.
LENGTH = 6.0


def signal(length):
    """16-bit samples that are the same in every language."""
    n = numpy.arange(length)
    return numpy.round(8000 * numpy.sin(0.05 * n) + 4000 * numpy.sin(0.31 * n + 1) + 2000 * numpy.sin(n * n * 1e-4))


def coefficients(folder):
    """The whole signal, and the same from its 1600th sample on, as part of the whole."""
    features = mfcc(signal(8000), 16000)
    expected = {"first": features[:STEPS].tolist(), "from_1600": features[10 : 10 + STEPS].tolist()}
    (folder / "mfcc.json").write_text(json.dumps(expected, indent=1) + "\n")


def save(folder, name, nodes, constants):
    given = [
        helper.make_tensor_value_info("face", TensorProto.FLOAT, ["N", 3, 5, 224, 224]),
        helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["N", 1, 13, STEPS]),
    ]
    made = [helper.make_tensor_value_info(f"{n}_embedding", TensorProto.FLOAT, ["N", "D"]) for n in ("face", "audio")]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, name, given, made, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(folder / f"{name}.onnx"))
    return onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=["CPUExecutionProvider"])


def random_network(folder):
    """SyncNet's first layers at a width of 4, then means over all places."""
    random = numpy.random.default_rng(SEED)
    weight = lambda *shape: (random.standard_normal(shape) / numpy.prod(shape[1:]) ** 0.5).astype(numpy.float32)
    constants = {
        "face_kernel": weight(WIDTH, 3, 5, 7, 7) / 255, "face_weight": weight(WIDTH, EMBEDDING),
        "audio_kernel": weight(WIDTH, 1, 3, 3), "audio_weight": weight(WIDTH, EMBEDDING),
    }
    nodes = [
        helper.make_node("Conv", ["face", "face_kernel"], ["face_map"], strides=[1, 2, 2]),
        helper.make_node("Conv", ["audio", "audio_kernel"], ["audio_map"]),
    ]
    for name in ("face", "audio"):
        nodes += [
            helper.make_node("Relu", [f"{name}_map"], [f"{name}_positive"]),
            helper.make_node("GlobalAveragePool", [f"{name}_positive"], [f"{name}_mean"]),
            helper.make_node("Flatten", [f"{name}_mean"], [f"{name}_flat"]),
            helper.make_node("MatMul", [f"{name}_flat", f"{name}_weight"], [f"{name}_embedding"]),
        ]
    session = save(folder, "random", nodes, constants)
    face = numpy.arange(3 * 5 * 224 * 224, dtype=numpy.float32).reshape(1, 3, 5, 224, 224) % 251
    audio = numpy.arange(13 * STEPS, dtype=numpy.float32).reshape(1, 1, 13, STEPS) / 100
    embeddings = session.run(None, {"face": face, "audio": audio})
    print("random: ", [embedding.shape for embedding in embeddings])


def photograph_network(folder):
    integers = lambda *values: numpy.array(values, dtype=numpy.int64)
    numbers = lambda value: numpy.array([[value]], dtype=numpy.float32)
    (top, bottom), (left, right) = MOUTH
    constants = {
        # Green of the picture in the middle.
        "face_start": integers(1, 2, top, left), "face_end": integers(2, 3, bottom, right), "face_axes": integers(1, 2, 3, 4),
        "face_least": numbers(0.0), "audio_least": numbers(SILENCE),
        "audio_start": integers(0, MIDDLE[0]), "audio_end": integers(1, MIDDLE[1]), "audio_axes": integers(2, 3),
        "face_centre": numbers(BRIGHTNESS_MEAN), "face_scale": numbers(-LENGTH / BRIGHTNESS_STD),
        "audio_centre": numbers(LOUDNESS_MEAN), "audio_scale": numbers(LENGTH / LOUDNESS_STD),
    }
    nodes = []
    for name in ("face", "audio"):
        nodes += [
            helper.make_node("Slice", [name, f"{name}_start", f"{name}_end", f"{name}_axes"], [f"{name}_part"]),
            helper.make_node("Max", [f"{name}_part", f"{name}_least"], [f"{name}_loud"]),
            helper.make_node("Flatten", [f"{name}_loud"], [f"{name}_flat"]),
            helper.make_node("ReduceMean", [f"{name}_flat"], [f"{name}_mean"], axes=[1], keepdims=1),
            helper.make_node("Sub", [f"{name}_mean", f"{name}_centre"], [f"{name}_centred"]),
            helper.make_node("Mul", [f"{name}_centred", f"{name}_scale"], [f"{name}_embedding"]),
        ]
    save(folder, "photograph", nodes, constants)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("networks", type=pathlib.Path, help="services/sync/tests/parity")
    arguments.add_argument("features", type=pathlib.Path, help="shared/audio-features/tests/parity")
    folders = arguments.parse_args()
    for folder in (folders.networks, folders.features):
        folder.mkdir(parents=True, exist_ok=True)
    coefficients(folders.features)
    random_network(folders.networks)
    photograph_network(folders.networks)


if __name__ == "__main__":
    main()
