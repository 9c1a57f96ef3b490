"""RIFE 4.6's flow network from its PyTorch weights: a frame between two, any size that 64 divides.

Huang et al., "Real-Time Intermediate Flow Estimation for Video Frame Interpolation", 2022: four blocks refine the flow from
both frames to the moment in between, from an eighth of the size to all of it; the frames are warped by it and blended.
"""
import numpy

import checkpoint
import graph

SCALES = [8, 4, 2, 1]
LAYERS = 8


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("input")
    arguments = arguments.parse_args()
    Network(checkpoint.read(arguments.input)).build().save(arguments.output)


class Network:
    def __init__(self, weights):
        self.weights = weights
        self.graph = graph.Graph("rife")
        self.node = self.graph.node

    def number(self, value):
        return self.graph.constant(f"number_{value}", numpy.float32(value))

    def integers(self, *values):
        return self.graph.constant("integers_" + "_".join(map(str, values)), numpy.array(values, "<i8"))

    def build(self):
        frames = [self.graph.input(f"img{side}", ["N", 3, "H", "W"]) for side in (0, 1)]
        timestep = self.graph.input("timestep", ["N", 1, 1, 1])
        self.prepare_grid(frames[0])
        one_channel = self.slice(frames[0], 0, 1, "one_channel")
        moment = self.node("Expand", [timestep, self.node("Shape", [one_channel], "one_channel_shape")], "moment")
        flow, mask, warped = None, None, frames
        for number, scale in enumerate(SCALES):
            seen = [*warped, moment] + ([mask] if mask else [])
            added_flow, added_mask = self.block(f"block{number}", seen, flow, scale)
            flow = self.node("Add", [flow, added_flow], f"flow{number}") if flow else added_flow
            mask = self.node("Add", [mask, added_mask], f"mask{number}") if mask else added_mask
            warped = [self.warp(frame, flow, side, f"warped{side}_{number}") for side, frame in enumerate(frames)]
        share = self.node("Sigmoid", [mask], "share")
        rest = self.node("Sub", [self.number(1), share], "rest")
        parts = [self.node("Mul", [frame, weight], f"part_{weight}") for frame, weight in zip(warped, (share, rest))]
        self.node("Add", parts, "mid")
        self.node("Identity", [flow], "flow")
        self.graph.output("mid", ["N", 3, "H", "W"])
        self.graph.output("flow", ["N", 4, "H", "W"])
        return self.graph

    def block(self, name, seen, flow, scale):
        """One refinement at a size of 1 / scale: what it adds to flow and mask."""
        x = self.resize(self.node("Concat", seen, f"{name}.seen", axis=1), 1 / scale, f"{name}.small")
        if flow:
            small = self.resize(flow, 1 / scale, f"{name}.small_flow")
            small = self.node("Mul", [small, self.number(1 / scale)], f"{name}.scaled_flow")
            x = self.node("Concat", [x, small], f"{name}.in", axis=1)
        for layer in (0, 1):
            x = self.leaky(self.convolution(x, f"{name}.conv0.{layer}.0", stride=2), f"{name}.down{layer}")
        for layer in range(LAYERS):
            at = f"{name}.convblock.{layer}"
            scaled = self.node("Mul", [self.convolution(x, f"{at}.conv"), self.weight(f"{at}.beta")], f"{at}.scaled")
            x = self.leaky(self.node("Add", [scaled, x], f"{at}.sum"), f"{at}.out")
        inputs = [x, self.weight(f"{name}.lastconv.0.weight"), self.weight(f"{name}.lastconv.0.bias")]
        x = self.node("ConvTranspose", inputs, f"{name}.up", kernel_shape=[4, 4], strides=[2, 2], pads=[1, 1, 1, 1])
        x = self.node("DepthToSpace", [x], f"{name}.shuffled", blocksize=2, mode="CRD")
        x = self.resize(x, scale, f"{name}.large")
        flow = self.node("Mul", [self.slice(x, 0, 4, f"{name}.raw_flow"), self.number(scale)], f"{name}.flow")
        return flow, self.slice(x, 4, 5, f"{name}.mask")

    def weight(self, name):
        return self.graph.constant(name, self.weights[name])

    def convolution(self, x, name, stride=1):
        inputs = [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.node("Conv", inputs, name, kernel_shape=[3, 3], strides=[stride, stride], pads=[1, 1, 1, 1])

    def leaky(self, x, name):
        return self.node("LeakyRelu", [x], name, alpha=0.2)

    def resize(self, x, scale, name):
        scales = self.graph.constant(f"scales_{scale}", numpy.array([1, 1, scale, scale], "<f4"))
        return self.node("Resize", [x, "", scales], name, mode="linear", coordinate_transformation_mode="half_pixel")

    def slice(self, x, start, end, name):
        return self.node("Slice", [x, self.integers(start), self.integers(end), self.integers(1)], name)

    # Warping: where every pixel comes from, in GridSample's units of -1..1 from corner to corner.

    def prepare_grid(self, frame):
        shape = self.node("Shape", [frame], "shape")
        for axis, name, to in ((3, "x", [1, 1, -1]), (2, "y", [1, -1, 1])):
            size = self.node("Gather", [shape, self.graph.constant(f"axis_{axis}", numpy.array(axis, "<i8"))], f"size_{name}")
            zero, one = (self.graph.constant(f"step_{value}", numpy.array(value, "<i8")) for value in (0, 1))
            steps = self.node("Cast", [self.node("Range", [zero, size, one], f"range_{name}")], f"steps_{name}", to=1)
            self.node("Reshape", [steps, self.integers(*to)], f"grid_{name}")
            self.node("Sub", [self.node("Cast", [size], f"float_{name}", to=1), self.number(1)], f"last_{name}")

    def warp(self, frame, flow, side, name):
        coordinates = []
        for channel, axis in enumerate("xy"):
            at = 2 * side + channel
            moved = self.node("Squeeze", [self.slice(flow, at, at + 1, f"{name}.flow_{axis}"), self.integers(1)], f"{name}.by_{axis}")
            place = self.node("Add", [moved, f"grid_{axis}"], f"{name}.at_{axis}")
            place = self.node("Mul", [place, self.number(2)], f"{name}.twice_{axis}")
            place = self.node("Div", [place, f"last_{axis}"], f"{name}.part_{axis}")
            place = self.node("Sub", [place, self.number(1)], f"{name}.unit_{axis}")
            coordinates.append(self.node("Unsqueeze", [place, self.integers(3)], f"{name}.last_{axis}"))
        grid = self.node("Concat", coordinates, f"{name}.grid", axis=3)
        return self.node("GridSample", [frame, grid], name, mode="bilinear", padding_mode="border", align_corners=1)


if __name__ == "__main__":
    main()
