"""Runs a network in the runtime it was made for and in ONNX Runtime, and prints how far the outputs are apart.

Not part of any recipe: it needs onnxruntime, and ai-edge-litert for TensorFlow Lite or ncnn for ncnn.

  compare_networks.py model.onnx picture.jpg network.tflite
  compare_networks.py model.onnx picture.jpg network.param network.bin
"""
import sys

import numpy
import onnxruntime
from PIL import Image

# Of a picture for a network that takes any size.
SIZE = (96, 64)


def main(model, picture, network, *weights):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    is_ncnn = bool(weights)
    width, height = SIZE if is_ncnn else (given.shape[2], given.shape[1])
    pixels = numpy.asarray(Image.open(picture).convert("RGB").resize((width, height)), "f4") / 255
    pixels = numpy.ascontiguousarray(pixels.transpose(2, 0, 1)) if is_ncnn else pixels
    names = [output.name for output in session.get_outputs()]
    wanted = ncnn_outputs(network, weights[0], given.name, names, pixels) if is_ncnn else tflite_outputs(network, pixels)
    for name, found in zip(names, session.run(None, {given.name: pixels[None]})):
        expected = wanted[name].reshape(found.shape)
        apart = numpy.abs(expected - found).max()
        print(f"{name} {found.shape}: at most {apart:.2g} apart, in {expected.min():.3g}..{expected.max():.3g}")


def tflite_outputs(network, pixels):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with open(network, "rb") as file:
        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(model_content=file.read(), experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels[None])
    interpreter.invoke()
    return {output["name"]: interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()}


def ncnn_outputs(param, weights, source, names, pixels):
    import ncnn

    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.load_param(param)
    net.load_model(weights)
    extractor = net.create_extractor()
    extractor.input(source, ncnn.Mat(pixels))
    return {name: numpy.array(extractor.extract(name)[1]) for name in names}


if __name__ == "__main__":
    main(*sys.argv[1:])
