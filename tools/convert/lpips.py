"""LPIPS from two checkpoints: a classifier's convolutions, and the weights of its channels. How different two images look.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018, section 3: features of five layers,
scaled to a length of one at each place; squared differences, weighted by channel, averaged over places, added over layers.
"""
import numpy

import checkpoint
import graph

# Convolutions by their number in the checkpoint, after which features are taken; strides and paddings where they are not 1 and half the kernel.
NETWORKS = {
    "alex": {"groups": [[0], [3], [6], [8], [10]], "pooled": [1, 2], "pool": 3, "strides": {0: 4}, "paddings": {0: 2}},
    "vgg": {"groups": [[0, 2], [5, 7], [10, 12, 14], [17, 19, 21], [24, 26, 28]], "pooled": [1, 2, 3, 4], "pool": 2, "strides": {}, "paddings": {}},
}
# Of images from -1 to 1; together with the networks' own means and deviations.
SHIFT, SCALE = [-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("--network", required=True, choices=NETWORKS)
    arguments.add_argument("backbone")
    arguments.add_argument("linear")
    arguments = arguments.parse_args()
    network = build(arguments.network, checkpoint.read(arguments.backbone), checkpoint.read(arguments.linear))
    network.save(arguments.output)


def build(kind, backbone, linear):
    network = graph.Graph(f"lpips_{kind}")
    features = [tower(network, NETWORKS[kind], backbone, network.input(name, ["N", 3, "H", "W"])) for name in ("a", "b")]
    total = None
    for layer, (a, b) in enumerate(zip(*features)):
        difference = network.node("Sub", [a, b], f"difference{layer}")
        squared = network.node("Mul", [difference, difference], f"squared{layer}")
        weight = network.constant(f"lin{layer}", linear[f"lin{layer}.model.1.weight"])
        weighted = network.node("Conv", [squared, weight], f"weighted{layer}")
        mean = network.node("ReduceMean", [weighted], f"mean{layer}", axes=[1, 2, 3], keepdims=0)
        last = layer + 1 == len(features[0])
        total = network.node("Add", [total, mean], "distance" if last else f"sum{layer}") if total else mean
    network.output("distance", ["N"])
    return network


def tower(network, how, weights, image):
    """Features of five layers of an image, RGB from 0 to 1."""
    number = lambda name, values: network.constant(name, numpy.array(values, "<f4").reshape(-1, 1, 1))
    doubled = network.node("Mul", [image, number("two", [2])], f"{image}_doubled")
    # (2 x - 1 - shift) / scale
    centred = network.node("Sub", [doubled, number("centre", [1 + shift for shift in SHIFT])], f"{image}_centred")
    flow = network.node("Div", [centred, number("scale", SCALE)], f"{image}_scaled")
    result = []
    for group, layers in enumerate(how["groups"]):
        if group in how["pooled"]:
            flow = network.node("MaxPool", [flow], f"{image}_pool{group}", kernel_shape=[how["pool"]] * 2, strides=[2, 2])
        for layer in layers:
            kernel = weights[f"features.{layer}.weight"]
            padding = how["paddings"].get(layer, kernel.shape[2] // 2)
            inputs = [flow, *(network.constant(f"features.{layer}.{kind}", weights[f"features.{layer}.{kind}"]) for kind in ("weight", "bias"))]
            flow = network.node("Conv", inputs, f"{image}_conv{layer}", strides=[how["strides"].get(layer, 1)] * 2, pads=[padding] * 4)
            flow = network.node("Relu", [flow], f"{image}_relu{layer}")
        length = network.node("ReduceL2", [flow], f"{image}_length{group}", axes=[1], keepdims=1)
        length = network.node("Add", [length, network.constant("least", numpy.float32(1e-10))], f"{image}_divisor{group}")
        result.append(network.node("Div", [flow, length], f"{image}_unit{group}"))
    return result


if __name__ == "__main__":
    main()
