"""ncnn networks (a .param text and a .bin of weights) to ONNX: the layers of upscaling networks, any picture size.

Layer parameters are numbered as in ncnn's documentation of operators; a weight block begins with a tag that says how its
numbers are stored.
"""
import numpy

import graph

MAGIC = "7767517"
HALF_PRECISION = 0x01306B47
BINARY = {0: "Add", 1: "Sub", 2: "Mul", 3: "Div"}
INTERPOLATION = {1: "nearest", 2: "linear", 3: "cubic"}


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("param")
    arguments.add_argument("bin")
    arguments = arguments.parse_args()
    with open(arguments.param) as text, open(arguments.bin, "rb") as weights:
        converter = Converter(text.read().splitlines(), weights.read())
    converter.convert().save(arguments.output)


def parameters(words):
    """Numbered parameters of a layer: `0=48`, or a list as `-23310=2,0.5,1.0` for number 10."""
    result = {}
    for word in words:
        key, _, text = word.partition("=")
        key, numbers = int(key), [float(part) if "." in part or "e" in part else int(part) for part in text.split(",")]
        if key <= -23300:
            result[-23300 - key] = numbers[1:]
        else:
            result[key] = numbers[0]
    return result


class Converter:
    def __init__(self, lines, weights):
        assert lines[0].strip() == MAGIC, "this is no ncnn .param file"
        self.lines = [line.split() for line in lines[2:] if line.strip()]
        self.weights = weights
        self.read = 0
        self.graph = graph.Graph("ncnn")
        # What a blob is called in the graph: a split gives one thing several names.
        self.names = {}

    def convert(self):
        made, used = [], set()
        for kind, name, inputs, outputs, *rest in self.lines:
            inputs, outputs = int(inputs), int(outputs)
            sources, targets = rest[:inputs], rest[inputs : inputs + outputs]
            layer = getattr(self, f"do_{kind.lower()}", None)
            if layer is None:
                raise SystemExit(f"there is no rule for layer {kind}")
            layer(name, [self.names[source] for source in sources], targets, parameters(rest[inputs + outputs :]))
            for target in targets:
                self.names.setdefault(target, target)
            made += targets
            used.update(sources)
        assert self.read == len(self.weights), f"{len(self.weights) - self.read} bytes of weights were not read"
        for result in [target for target in made if target not in used]:
            self.graph.output(result, ["N", 3, "Ho", "Wo"])
        return self.graph

    # Weights.

    def floats(self, count):
        values = numpy.frombuffer(self.weights, "<f4", count, self.read)
        self.read += values.nbytes
        return values

    def tagged(self, count):
        tag = int.from_bytes(self.weights[self.read : self.read + 4], "little")
        self.read += 4
        if tag == 0:
            return self.floats(count)
        assert tag == HALF_PRECISION, f"weights are stored in a way that is not known (tag {tag:#x})"
        values = numpy.frombuffer(self.weights, "<f2", count, self.read).astype("<f4")
        self.read += -(-2 * count // 4) * 4
        return values

    # Layers.

    def do_input(self, _name, _sources, targets, _p):
        self.graph.input(targets[0], ["N", 3, "H", "W"])

    def do_split(self, _name, sources, targets, _p):
        for target in targets:
            self.names[target] = sources[0]

    def do_memorydata(self, _name, _sources, targets, p):
        width, height, channels = (p.get(key, 0) for key in (0, 1, 2))
        shape = [size for size in (channels, height, width) if size]
        self.graph.constant(targets[0], self.floats(int(numpy.prod(shape))).reshape(shape))

    def do_convolution(self, name, sources, targets, p):
        self.convolution("Conv", name, sources, targets, p, (0, 1, 2, 3))

    def do_deconvolution(self, name, sources, targets, p):
        self.convolution("ConvTranspose", name, sources, targets, p, (1, 0, 2, 3))

    def convolution(self, operator, name, sources, targets, p, order):
        channels, width, count = p[0], p[1], p[6]
        height = p.get(11, width)
        left = p.get(4, 0)
        top = p.get(14, left)
        stride, dilation = p.get(3, 1), p.get(2, 1)
        weights = self.tagged(count).reshape(channels, -1, height, width).transpose(order)
        inputs = [sources[0], self.graph.constant(f"{name}.weight", weights)]
        if p.get(5, 0):
            inputs.append(self.graph.constant(f"{name}.bias", self.floats(channels)))
        activation = p.get(9, 0)
        result = f"{targets[0]}.linear" if activation else targets[0]
        self.graph.node(operator, inputs, result, kernel_shape=[height, width], strides=[p.get(13, stride), stride],
                        dilations=[p.get(12, dilation), dilation], pads=[top, left, p.get(16, top), p.get(15, left)])
        if activation == 1:
            self.graph.node("Relu", [result], targets[0])
        elif activation == 2:
            self.graph.node("LeakyRelu", [result], targets[0], alpha=p[10][0])
        else:
            assert activation == 0, f"activation {activation} has no rule"

    def do_prelu(self, name, sources, targets, p):
        slope = self.graph.constant(f"{name}.slope", self.floats(p[0]).reshape(-1, 1, 1))
        self.graph.node("PRelu", [sources[0], slope], targets[0])

    def do_sigmoid(self, _name, sources, targets, _p):
        self.graph.node("Sigmoid", sources, targets[0])

    def do_swish(self, _name, sources, targets, _p):
        gate = self.graph.node("Sigmoid", sources, f"{targets[0]}.gate")
        self.graph.node("Mul", [sources[0], gate], targets[0])

    def do_concat(self, _name, sources, targets, p):
        assert p.get(0, 0) == 0, "only channels are joined"
        self.graph.node("Concat", sources, targets[0], axis=1)

    def do_binaryop(self, _name, sources, targets, p):
        if p.get(1, 0):
            sources = [sources[0], self.graph.constant(f"{targets[0]}.number", numpy.float32(p.get(2, 0)))]
        self.graph.node(BINARY[p.get(0, 0)], sources, targets[0])

    def do_eltwise(self, _name, sources, targets, p):
        assert p.get(0, 0) == 1, "only sums have a rule"
        terms = []
        for number, (source, factor) in enumerate(zip(sources, p.get(1) or [1.0] * len(sources))):
            if factor != 1.0:
                constant = self.graph.constant(f"{targets[0]}.factor{number}", numpy.float32(factor))
                source = self.graph.node("Mul", [source, constant], f"{targets[0]}.term{number}")
            terms.append(source)
        self.graph.node("Add" if len(terms) == 2 else "Sum", terms, targets[0])

    def do_pixelshuffle(self, _name, sources, targets, p):
        self.graph.node("DepthToSpace", sources, targets[0], blocksize=p[0], mode="CRD")

    def do_interp(self, _name, sources, targets, p):
        mode = INTERPOLATION[p[0]]
        scales = self.graph.constant(f"{targets[0]}.scales", numpy.array([1, 1, p[1], p[2]], "<f4"))
        how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"} if mode == "nearest" else {}
        self.graph.node("Resize", [sources[0], "", scales], targets[0], mode=mode, **how)


if __name__ == "__main__":
    main()
