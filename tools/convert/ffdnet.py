"""FFDNet, colour, from its PyTorch weights: denoising with the noise level as an input.

Zhang, Zuo and Zhang, "FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising", 2018, figure 1: the picture is
split into four half-size ones, joined by a map of the noise level, and goes through 12 convolutions of 96 channels.
"""
import numpy

import checkpoint
import graph


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("input")
    arguments = arguments.parse_args()
    network = build(checkpoint.read(arguments.input))
    network.save(arguments.output)


def build(weights):
    network = graph.Graph("ffdnet")
    x = network.input("x", ["N", 3, "H", "W"])
    sigma = network.input("sigma", ["N", 1, 1, 1])
    # Channel order of a pixel unshuffle: colour, then row, then column. SpaceToDepth puts the colour last.
    halves = network.node("SpaceToDepth", [x], "halves", blocksize=2)
    order = numpy.arange(12).reshape(4, 3).T.ravel()
    halves = network.node("Gather", [halves, network.constant("order", order)], "unshuffled", axis=1)
    first = network.node("Slice", [halves, *(network.constant(f"slice_{n}", numpy.array([v], "i8")) for n, v in
                                             (("from", 0), ("to", 1), ("axis", 1)))], "first")
    shape = network.node("Shape", [first], "map_shape")
    level = network.node("Expand", [sigma, shape], "level")
    flow = network.node("Concat", [halves, level], "stem", axis=1)
    layers = sorted(int(name.split(".")[1]) for name in weights if name.endswith(".weight"))
    for layer in layers:
        names = [network.constant(f"model.{layer}.{kind}", weights[f"model.{layer}.{kind}"]) for kind in ("weight", "bias")]
        flow = network.node("Conv", [flow, *names], f"conv{layer}", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        if layer != layers[-1]:
            flow = network.node("Relu", [flow], f"relu{layer}")
    network.node("DepthToSpace", [flow], "y", blocksize=2, mode="CRD")
    network.output("y", ["N", 3, "H", "W"])
    return network


if __name__ == "__main__":
    main()
