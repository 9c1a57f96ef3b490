"""Makes the fp16 or int8 variant of an ONNX model, and says how its outputs and its speed differ from the original's.

    python3 -m venv V && V/bin/pip install -r tools/convert/requirements-quantise.txt
    V/bin/python tools/quantise.py fp16 MODEL.onnx VARIANT.onnx [--runs FOLDER] [--report FILE.json]
    V/bin/python tools/quantise.py int8 MODEL.onnx VARIANT.onnx --runs FOLDER [--report FILE.json]

`framefleet models quantise` runs this. FOLDER holds what the model was given in a job, as its stage prepared it: <run>-<input>.npy.

fp16: weights and arithmetic in 16 bits, inputs and outputs stay 32-bit floats. A CPU without 16-bit kernels computes in 32 bits and converts at
every node: such a variant is for cards, and for half the memory of weights on disk.
int8: weights and activations in 8 bits with scales (QDQ form, per channel), calibrated on the runs; only convolutions and products are changed.
"""
import argparse
import collections
import json
import pathlib
import sys
import time

import numpy
import onnx
import onnxruntime

# Runs that outputs are compared on, at most.
COMPARED = 16
# Runs that are timed, after one that warms up.
TIMED = 10
# Size of open dimensions where there are no runs.
SIDE = 256
TYPES = {"tensor(float)": "f4", "tensor(float16)": "f2", "tensor(uint8)": "u1", "tensor(int32)": "i4", "tensor(int64)": "i8"}


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def recorded(folder, inputs):
    """The runs of a folder, in order: arrays by the names of inputs."""
    runs = collections.defaultdict(dict)
    for path in sorted(folder.glob("*.npy")):
        run, number = path.stem.split("-")
        runs[run][inputs[int(number)].name] = path
    return [{name: numpy.load(path) for name, path in runs[run].items()} for run in sorted(runs)]


def noise(inputs):
    """One run on noise, the same every time."""
    generator = numpy.random.default_rng(0)

    def array(spec):
        shape = [size if isinstance(size, int) else 1 if axis == 0 else SIDE for axis, size in enumerate(spec.shape)]
        return generator.random(shape).astype(TYPES[spec.type]) if "float" in spec.type else numpy.ones(shape, TYPES[spec.type])

    return [{spec.name: array(spec) for spec in inputs}]


def to_fp16(model, variant, _runs):
    from onnxruntime.transformers import float16

    onnx.save(float16.convert_float_to_float16(onnx.load(model), keep_io_types=True), variant)


def to_int8(model, variant, runs):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Runs(CalibrationDataReader):
        left = iter(runs)

        def get_next(self):
            return next(self.left, None)

    ready = variant.with_suffix(".ready.onnx")
    quant_pre_process(str(model), str(ready), skip_symbolic_shape=True)
    quantize_static(
        str(ready), str(variant), Runs(), quant_format=QuantFormat.QDQ, per_channel=True, op_types_to_quantize=["Conv", "MatMul", "Gemm"],
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )
    ready.unlink()


def compare(model, variant, runs):
    """How outputs change, over all runs: absolute differences, and the spread of the original's to compare them with."""
    original, changed = session(model), session(variant)
    pairs = collections.defaultdict(lambda: ([], []))
    for run in runs[:COMPARED]:
        for spec, wanted, found in zip(original.get_outputs(), original.run(None, run), changed.run(None, run)):
            if wanted.dtype.kind != "f" or wanted.size == 0:
                continue
            if wanted.shape != found.shape:
                sys.exit(f"output {spec.name} has shape {found.shape} in the variant and {wanted.shape} in the model: it cannot stand in for it")
            if not numpy.isfinite(found).all() and numpy.isfinite(wanted).all():
                sys.exit(f"output {spec.name} of the variant is not finite: the model's numbers do not fit into so few bits")
            pairs[spec.name][0].append(wanted.astype(float).ravel())
            pairs[spec.name][1].append(found.astype(float).ravel())
    differences = []
    for name, (wanted, found) in pairs.items():
        wanted, found = numpy.concatenate(wanted), numpy.concatenate(found)
        apart = numpy.abs(wanted - found)
        differences.append({"output": name, "mean": apart.mean(), "largest": apart.max(), "spread": wanted.std()})
    return differences


def speed(model, variant, runs):
    """How many times as fast as the model the variant is, on one thread of this machine's CPU: the fastest runs of both, taken in turn."""
    sessions = [session(model), session(variant)]
    fastest = [float("inf")] * 2
    for run in [runs[number % len(runs)] for number in range(TIMED + 1)]:
        for number, one in enumerate(sessions):
            began = time.perf_counter()
            one.run(None, run)
            fastest[number] = min(fastest[number], time.perf_counter() - began)
    return fastest[0] / fastest[1]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("precision", choices=["fp16", "int8"])
    arguments.add_argument("model", type=pathlib.Path)
    arguments.add_argument("variant", type=pathlib.Path)
    arguments.add_argument("--runs", type=pathlib.Path, help="folder of recorded inputs")
    arguments.add_argument("--report", type=pathlib.Path, help="where the differences are written")
    options = arguments.parse_args()
    inputs = session(options.model).get_inputs()
    runs = recorded(options.runs, inputs) if options.runs else []
    if options.runs and not runs:
        arguments.error(f"{options.runs}: no recorded inputs")
    if options.precision == "int8" and not runs:
        arguments.error("int8 needs --runs to calibrate on")
    {"fp16": to_fp16, "int8": to_int8}[options.precision](options.model, options.variant, runs)
    compared = runs or noise(inputs)
    report = {
        "made_by": f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, numpy {numpy.__version__}",
        "runs": len(runs),
        "compared_on": f"{min(len(runs), COMPARED)} of them" if runs else "noise between 0 and 1",
        "differences": compare(options.model, options.variant, compared),
        "speed": speed(options.model, options.variant, compared),
    }
    text = json.dumps(report, indent=1, default=float)
    options.report.write_text(text) if options.report else print(text)


if __name__ == "__main__":
    main()
