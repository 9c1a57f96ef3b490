"""What all parity scripts share: seeds, the export to ONNX, how arrays are written."""
import json
import pathlib

import numpy
import onnx
import onnxruntime
import torch

OPSET = 17


def random_weights(model, seed):
    """Fills a model with fixed random weights, large enough that different inputs give clearly different outputs."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            fan = parameter.shape[-1] if parameter.dim() > 1 else 1
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                parameter.copy_(noise / fan**0.5)
            elif "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.1 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.1 * noise)
    return model.eval()


def export(module, example, path, input_name, output_name):
    """Exports with an open first axis, and checks the export."""
    torch.onnx.export(
        module, (example,), str(path), input_names=[input_name], output_names=[output_name],
        dynamic_axes={input_name: {0: "batch"}, output_name: {0: "batch"}}, opset_version=OPSET, dynamo=False,
    )
    check(module, example, path, input_name)


def check(module, example, path, input_name):
    """Compares what ONNX Runtime makes of the example with what the module makes of it."""
    onnx.checker.check_model(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    exported = session.run(None, {input_name: example.numpy()})
    with torch.no_grad():
        result = module(example)
    result = result if isinstance(result, tuple) else (result,)
    difference = max(numpy.abs(one - other.numpy()).max() for one, other in zip(exported, result, strict=True))
    print(f"{path.name}: {path.stat().st_size} bytes, differs from the reference by {difference:.2e}")
    assert difference < 1e-4, "the export is not the reference"


def write_json(path, value):
    pathlib.Path(path).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_array(path, array):
    """Raw little-endian numbers; shape and type are in the JSON file beside it."""
    array = numpy.ascontiguousarray(array)
    pathlib.Path(path).write_bytes(array.astype(array.dtype.newbyteorder("<")).tobytes())
