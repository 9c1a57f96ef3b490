"""SyncNet, both towers in one graph, from its publisher's checkpoint.

Chung and Zisserman, "Out of Time: Automated Lip Sync in the Wild", 2016. A tower is convolutions with batch normalisation and
rectifiers, then two layers on what is left of the place; layers are numbered as in the checkpoint, where a convolution is
followed by its normalisation.
"""
import checkpoint
import graph

SIDE, PICTURES, COEFFICIENTS, STEPS = 224, 5, 13, 20
# Number in the checkpoint, strides, padding; or a pooling: kernel, strides, padding.
FACE = [
    (0, (1, 2, 2), (0, 0, 0)), ("pool", (1, 3, 3), (1, 2, 2), (0, 0, 0)),
    (4, (1, 2, 2), (0, 1, 1)), ("pool", (1, 3, 3), (1, 2, 2), (0, 1, 1)),
    (8, (1, 1, 1), (0, 1, 1)), (11, (1, 1, 1), (0, 1, 1)), (14, (1, 1, 1), (0, 1, 1)),
    ("pool", (1, 3, 3), (1, 2, 2), (0, 0, 0)),
    (18, (1, 1, 1), (0, 0, 0)),
]  # fmt: skip
AUDIO = [
    (0, (1, 1), (1, 1)),
    (4, (1, 1), (1, 1)), ("pool", (3, 3), (1, 2), (0, 0)),
    (8, (1, 1), (1, 1)), (11, (1, 1), (1, 1)), (14, (1, 1), (1, 1)), ("pool", (3, 3), (2, 2), (0, 0)),
    (18, (1, 1), (0, 0)),
]  # fmt: skip


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("input")
    arguments = arguments.parse_args()
    build(checkpoint.read(arguments.input)).save(arguments.output)


def build(weights):
    network = graph.Graph("syncnet")
    network.input("face", ["N", 3, PICTURES, SIDE, SIDE])
    network.input("audio", ["N", 1, COEFFICIENTS, STEPS])
    for name, convolutions, layers in (("face", "netcnnlip", "netfclip"), ("audio", "netcnnaud", "netfcaud")):
        flow = name
        for number, (layer, *how) in enumerate(FACE if name == "face" else AUDIO):
            if layer == "pool":
                kernel, strides, padding = how
                flow = network.node("MaxPool", [flow], f"{name}_pool{number}", kernel_shape=kernel, strides=strides, pads=[*padding, *padding])
            else:
                flow = convolution(network, weights, f"{convolutions}.{layer}", flow, *how)
                flow = normalised(network, weights, f"{convolutions}.{layer + 1}", flow)
        flow = network.node("Flatten", [flow], f"{name}_flat")
        flow = linear(network, weights, f"{layers}.0", flow)
        flow = normalised(network, weights, f"{layers}.1", flow)
        linear(network, weights, f"{layers}.3", flow, f"{name}_embedding")
        network.output(f"{name}_embedding", ["N", int(weights[f"{layers}.3.weight"].shape[0])])
    return network


def constants(network, weights, layer, *kinds):
    return [network.constant(f"{layer}.{kind}", weights[f"{layer}.{kind}"]) for kind in kinds]


def convolution(network, weights, layer, flow, strides, padding):
    inputs = [flow, *constants(network, weights, layer, "weight", "bias")]
    return network.node("Conv", inputs, layer, strides=strides, pads=[*padding, *padding])


def normalised(network, weights, layer, flow):
    inputs = [flow, *constants(network, weights, layer, "weight", "bias", "running_mean", "running_var")]
    flow = network.node("BatchNormalization", inputs, layer, epsilon=1e-5)
    return network.node("Relu", [flow], f"{layer}.relu")


def linear(network, weights, layer, flow, output=None):
    return network.node("Gemm", [flow, *constants(network, weights, layer, "weight", "bias")], output or layer, transB=1)


if __name__ == "__main__":
    main()
