"""Makes shared/infer/tests/models/classifier.pt: the network of classifier.onnx as a TorchScript module, with the same weights.

    V/bin/python tools/torch_fixture.py shared/infer/tests/models        (needs tools/parity/requirements.txt)
"""
import pathlib
import sys

import onnx
import torch
from onnx import numpy_helper

folder = pathlib.Path(sys.argv[1])
weights = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in onnx.load(folder / "classifier.onnx").graph.initializer}


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        for name, tensor in weights.items():
            self.register_parameter(name, torch.nn.Parameter(tensor))

    def forward(self, pixels: torch.Tensor):
        features = torch.relu(torch.nn.functional.conv2d(pixels, self.kernel, self.kernel_bias, padding=1)).mean(dim=(2, 3))
        return features @ self.linear, features


torch.jit.script(Classifier().eval()).save(folder / "classifier.pt")
