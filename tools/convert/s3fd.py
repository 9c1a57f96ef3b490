"""S3FD from the checkpoint that SyncNet's publisher distributes: faces at six strides.

Zhang et al., "S3FD: Single Shot Scale-invariant Face Detector", 2017: VGG-16 with two convolutional layers in place of its
linear ones, four further layers, and on six maps a score and a box of one anchor of four times the stride. On the finest map the
background is the largest of three scores.
"""
import numpy

import checkpoint
import graph

# Convolutions of the trunk, by their number in the checkpoint; a string is a pooling, a pair a map that is looked at.
TRUNK = [0, 2, "pool", 5, 7, "pool", 10, 12, 14, ("L2Norm3_3", 0), "pool_up", 17, 19, 21, ("L2Norm4_3", 1), "pool",
         24, 26, 28, ("L2Norm5_3", 2), "pool", 31, 33, (None, 3)]  # fmt: skip
STRIDES = [4, 8, 16, 32, 64, 128]


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("input")
    arguments = arguments.parse_args()
    build(checkpoint.read(arguments.input)).save(arguments.output)


def build(weights):
    network = graph.Graph("s3fd")
    flow = network.input("input", ["N", 3, "H", "W"])
    for place, layer in enumerate(TRUNK):
        if isinstance(layer, int):
            # The first of the convolutions that stand for linear layers sees every sixth place.
            wide = 6 if layer == 31 else weights[f"vgg.{layer}.weight"].shape[2] // 2
            flow = relu(network, convolution(network, weights, f"vgg.{layer}", flow, wide, dilation=6 if layer == 31 else 1))
        elif isinstance(layer, str):
            flow = network.node("MaxPool", [flow], f"pool{place}", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=int(layer == "pool_up"))
        else:
            norm, level = layer
            head(network, weights, level, normalised(network, weights, norm, flow) if norm else flow)
    for number in range(4):
        size = weights[f"extras.{number}.weight"].shape[2]
        flow = relu(network, convolution(network, weights, f"extras.{number}", flow, size // 2, stride=1 + size // 2))
        if number % 2:
            head(network, weights, 4 + number // 2, flow)
    return network


def head(network, weights, level, flow):
    """Score of a face 0..1, and the box's offsets, of one map."""
    stride = STRIDES[level]
    network.output(convolution(network, weights, f"loc.{level}", flow, 1, output=f"face_box_{stride}"), ["N", 4, "h", "w"])
    scores = convolution(network, weights, f"conf.{level}", flow, 1)
    if level == 0:
        background = network.node("ReduceMax", [sliced(network, scores, 0, 3)], "background", axes=[1], keepdims=1)
        scores = network.node("Concat", [background, sliced(network, scores, 3, 4)], "scores_finest", axis=1)
    shares = network.node("Softmax", [scores], f"shares_{stride}", axis=1)
    network.output(sliced(network, shares, 1, 2, f"face_score_{stride}"), ["N", 1, "h", "w"])


def sliced(network, flow, start, end, output=None):
    bounds = [network.constant(f"{name}_{value}", numpy.array([value], "i8")) for name, value in (("from", start), ("to", end), ("axis", 1))]
    return network.node("Slice", [flow, *bounds], output or f"{flow}_{start}_{end}")


def normalised(network, weights, layer, flow):
    """Channels of a place scaled to a length of one, then each by its own number."""
    length = network.node("ReduceL2", [flow], f"{layer}.length", axes=[1], keepdims=1)
    length = network.node("Add", [length, network.constant("least", numpy.float32(1e-10))], f"{layer}.divisor")
    unit = network.node("Div", [flow, length], f"{layer}.unit")
    return network.node("Mul", [unit, network.constant(f"{layer}.weight", weights[f"{layer}.weight"].reshape(-1, 1, 1))], layer)


def convolution(network, weights, layer, flow, padding, stride=1, dilation=1, output=None):
    inputs = [flow, *(network.constant(f"{layer}.{kind}", weights[f"{layer}.{kind}"]) for kind in ("weight", "bias"))]
    return network.node("Conv", inputs, output or layer, strides=[stride] * 2, pads=[padding] * 4, dilations=[dilation] * 2)


def relu(network, flow):
    return network.node("Relu", [flow], f"{flow}.relu")


if __name__ == "__main__":
    main()
