"""EfficientNet-lite from its PyTorch weights: 1000 classes of ImageNet, and the pooled features before them as an embedding.

Tan and Le, "EfficientNet", 2019; the lite variants (2020) have no squeeze-and-excitation and ReLU6 everywhere. Batch
normalisation is folded into the convolutions; padding is TensorFlow's SAME.
"""
import numpy

import checkpoint
import graph

EPSILON = 1e-3
# Repeats before scaling, and stride of the first block, of the seven stages.
STAGES = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("--size", type=int, required=True, help="side of the picture")
    arguments.add_argument("--depth", type=float, required=True, help="depth coefficient: 1.0 of lite0, 1.2 of lite2")
    arguments.add_argument("input")
    arguments = arguments.parse_args()
    network = Network(checkpoint.read(arguments.input), arguments.size)
    network.build(strides(arguments.depth)).save(arguments.output)


def strides(depth):
    """The stride of every block. The first and last stage are not made deeper."""
    result = []
    for number, (repeats, stride) in enumerate(STAGES):
        scaled = repeats if number in (0, len(STAGES) - 1) else int(numpy.ceil(depth * repeats))
        result += [stride] + [1] * (scaled - 1)
    return result


class Network:
    def __init__(self, weights, size):
        self.weights = weights
        self.size = size
        self.graph = graph.Graph("efficientnet-lite")

    def build(self, block_strides):
        blocks = {name.split(".")[1] for name in self.weights if name.startswith("_blocks.")}
        assert len(blocks) == len(block_strides), f"the weights have {len(blocks)} blocks, --depth makes {len(block_strides)}"
        flow = self.graph.input("x", ["N", 3, self.size, self.size])
        flow = self.convolution(flow, "_conv_stem", "_bn0", stride=2)
        for number, stride in enumerate(block_strides):
            flow = self.block(flow, f"_blocks.{number}", stride)
        flow = self.convolution(flow, "_conv_head", "_bn1")
        pooled = self.graph.node("GlobalAveragePool", [flow], "pooled")
        embedding = self.graph.node("Flatten", [pooled], "embedding")
        fully = [self.graph.constant(f"_fc.{kind}", self.weights[f"_fc.{kind}"]) for kind in ("weight", "bias")]
        self.graph.node("Gemm", [embedding, *fully], "logits", transB=1)
        classes, features = self.weights["_fc.weight"].shape
        self.graph.output("logits", ["N", classes])
        self.graph.output("embedding", ["N", features])
        return self.graph

    def block(self, flow, name, stride):
        """An inverted residual: wider, depthwise, narrower, and the input added where sizes allow."""
        result, first = flow, f"{name}._expand_conv.weight"
        if first in self.weights:
            result = self.convolution(result, f"{name}._expand_conv", f"{name}._bn0")
        result = self.convolution(result, f"{name}._depthwise_conv", f"{name}._bn1", stride)
        result = self.convolution(result, f"{name}._project_conv", f"{name}._bn2", activation=False)
        entering = self.weights.get(first, self.weights[f"{name}._depthwise_conv.weight"])
        channels = entering.shape[1] if first in self.weights else entering.shape[0]
        if stride == 1 and channels == self.weights[f"{name}._project_conv.weight"].shape[0]:
            result = self.graph.node("Add", [result, flow], f"{name}.sum")
        return result

    def convolution(self, flow, name, norm, stride=1, activation=True):
        """A convolution with its batch normalisation folded in: w' = w g / sqrt(v + e), b' = b - m g / sqrt(v + e)."""
        weights = self.weights[f"{name}.weight"].astype("f8")
        gain, bias, mean, variance = (
            self.weights[f"{norm}.{part}"].astype("f8") for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / numpy.sqrt(variance + EPSILON)
        inputs = [
            flow,
            self.graph.constant(f"{name}.weight", (weights * scale.reshape(-1, 1, 1, 1)).astype("<f4")),
            self.graph.constant(f"{name}.bias", (bias - mean * scale).astype("<f4")),
        ]
        side = weights.shape[-1]
        group = weights.shape[0] if "depthwise" in name else 1
        result = self.graph.node("Conv", inputs, name, kernel_shape=[side, side], strides=[stride, stride],
                                 auto_pad="SAME_UPPER", group=group)
        if activation:
            limits = [self.graph.constant(f"limit_{value}", numpy.float32(value)) for value in (0, 6)]
            result = self.graph.node("Clip", [result, *limits], f"{name}.relu6")
        return result


if __name__ == "__main__":
    main()
