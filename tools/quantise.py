"""Makes the fp16 or int8 variant of an ONNX model, and says how its outputs differ from the original's on a picture.

    python3 -m venv V && V/bin/pip install onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6 pillow==13.0.0 sympy==1.14.0
    V/bin/python tools/quantise.py fp16 MODEL.onnx VARIANT.onnx --picture P.png [--scale 255] [--mean 0] [--bgr] [--channels-last]
    V/bin/python tools/quantise.py int8 MODEL.onnx VARIANT.onnx --calibrate FOLDER_OF_PICTURES --picture P.png …

fp16: weights and arithmetic in 16 bits, inputs and outputs stay 32-bit floats. A CPU without 16-bit kernels computes in 32 bits and converts at
every node: such a variant is for cards, and for half the memory of weights on disk.
int8: weights and activations in 8 bits with scales (QDQ form, per channel), calibrated on pictures; only convolutions and products are changed.
"""
import argparse
import pathlib
import time

import numpy
import onnx
import onnxruntime
from PIL import Image


def prepared(path, options, spec):
    """A picture as the model takes it: its size, its order of axes, (level - mean) / scale."""
    sizes = [size if isinstance(size, int) else 1 if axis == 0 else options.side for axis, size in enumerate(spec.shape)]
    height, width = sizes[1:3] if options.channels_last else sizes[2:4]
    levels = numpy.asarray(Image.open(path).convert("RGB").resize((width, height), Image.Resampling.BILINEAR), numpy.float32)
    levels = (levels[..., ::-1] if options.bgr else levels) - options.mean
    one = (levels / options.scale)[None]
    one = one if options.channels_last else one.transpose(0, 3, 1, 2)
    return numpy.ascontiguousarray(numpy.repeat(one, sizes[0], 0), numpy.float32)


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def to_fp16(model, variant, _options):
    from onnxruntime.transformers import float16

    converted = float16.convert_float_to_float16(onnx.load(model), keep_io_types=True)
    onnx.save(converted, variant)


def to_int8(model, variant, options):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    spec = session(model).get_inputs()[0]
    pictures = sorted(path for path in options.calibrate.iterdir() if path.suffix.lower() in {".png", ".jpg", ".jpeg"})
    if not pictures:
        raise SystemExit(f"{options.calibrate}: no PNG or JPEG to calibrate on")

    class Pictures(CalibrationDataReader):
        left = iter(pictures)

        def get_next(self):
            path = next(self.left, None)
            return None if path is None else {spec.name: prepared(path, options, spec)}

    ready = variant.with_suffix(".ready.onnx")
    quant_pre_process(str(model), str(ready), skip_symbolic_shape=True)
    quantize_static(
        str(ready), str(variant), Pictures(), quant_format=QuantFormat.QDQ, per_channel=True, op_types_to_quantize=["Conv", "MatMul", "Gemm"],
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )
    ready.unlink()


def compare(model, variant, options):
    """What changes: per output, relative to the spread of the original's."""
    original, changed = session(model), session(variant)
    given = {original.get_inputs()[0].name: prepared(options.picture, options, original.get_inputs()[0])}

    def timed(of):
        times = []
        for _ in range(10):
            began = time.perf_counter()
            outputs = of.run(None, given)
            times.append(time.perf_counter() - began)
        return outputs, min(times) * 1000

    (wanted, before), (found, after) = timed(original), timed(changed)
    print(f"{model.stat().st_size} → {variant.stat().st_size} bytes, {before:.2f} → {after:.2f} ms on one CPU thread")
    for spec, one, other in zip(original.get_outputs(), wanted, found):
        if one.dtype.kind != "f" or one.size == 0 or one.shape != other.shape:
            print(f"{spec.name}: {one.dtype} {one.shape} and {other.dtype} {other.shape}, not compared")
            continue
        difference = numpy.abs(one.astype(float) - other.astype(float))
        a, b = one.ravel().astype(float), other.ravel().astype(float)
        cosine = a @ b / max(numpy.linalg.norm(a) * numpy.linalg.norm(b), 1e-30)
        top = numpy.argsort(a)[-5:][::-1].tolist(), numpy.argsort(b)[-5:][::-1].tolist()
        print(
            f"{spec.name} {one.shape}: mean difference {difference.mean():.3g}, largest {difference.max():.3g}, "
            f"spread {one.std():.3g}, cosine {cosine:.6f}, five largest {top[0]} and {top[1]}"
        )


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("precision", choices=["fp16", "int8"])
    arguments.add_argument("model", type=pathlib.Path)
    arguments.add_argument("variant", type=pathlib.Path)
    arguments.add_argument("--calibrate", type=pathlib.Path, help="folder of pictures (int8)")
    arguments.add_argument("--picture", type=pathlib.Path, required=True, help="picture to compare on")
    arguments.add_argument("--scale", type=float, default=255.0)
    arguments.add_argument("--mean", type=float, default=0.0)
    arguments.add_argument("--side", type=int, default=256, help="size of open dimensions")
    arguments.add_argument("--bgr", action="store_true")
    arguments.add_argument("--channels-last", action="store_true")
    options = arguments.parse_args()
    if options.precision == "int8" and options.calibrate is None:
        arguments.error("int8 needs --calibrate")
    {"fp16": to_fp16, "int8": to_int8}[options.precision](options.model, options.variant, options)
    compare(options.model, options.variant, options)


if __name__ == "__main__":
    main()
