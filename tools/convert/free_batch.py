"""Frees the first axis of a network that was made for one picture: of N pictures, each gets what it would get alone.

Every value that depends on the pictures is carried in one of two forms, with one rule per operator, as in JAX's `vmap`:

  merged   N takes the place of the first axis, which was 1. Convolutions, pools and what works element by element stay as they are.
  stacked  N comes before all axes, and the axes that operators name move by one.

What does not depend on the pictures is shared by all of them. An operator that has no rule is an error.
"""
import numpy
import onnx
from onnx import helper, numpy_helper, shape_inference

NAME = "N"
MERGED, STACKED = "merged", "stacked"
# As far as a slice can go.
END = 2**63 - 1
# Operators on pictures: the first axis is theirs alone.
PICTURES = {
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "DepthToSpace", "Flatten", "Gemm", "GlobalAveragePool", "MaxPool",
}  # fmt: skip
# Element by element on the first input.
ALONE = {
    "Abs", "Cast", "Clip", "Dropout", "Exp", "Floor", "HardSwish", "Identity", "Neg", "Reciprocal", "Relu", "Sigmoid", "Sqrt", "Tanh",
}  # fmt: skip
# Element by element on all inputs.
TOGETHER = {
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "Max", "Min", "Mod", "Mul", "PRelu", "Sub", "Sum", "Where",
}  # fmt: skip
# The axes that these name stand in an attribute.
WITH_AXIS = {"ArgMax": 0, "Softmax": -1, "Split": 0, "TopK": -1}
# The axes that these name stand in an input, or in an attribute in older versions; none means all.
WITH_AXES = {"ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Squeeze"}


def free_batch(model):
    """The network with a free first axis of its inputs and outputs."""
    return Freeing(model).run()


class Freeing:
    def __init__(self, model):
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        self.graph = self.model.graph
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.graph.initializer}
        self.shapes = {name: list(values.shape) for name, values in self.constants.items()}
        inferred = shape_inference.infer_shapes(model, data_prop=True).graph
        for value in [*inferred.value_info, *inferred.input, *inferred.output]:
            tensor = value.type.tensor_type
            if tensor.HasField("shape"):
                self.shapes[value.name] = [dimension.dim_value or None for dimension in tensor.shape.dim]
        self.forms = {}
        self.nodes = []
        self.converted = {}
        self.added = {}

    def run(self):
        for value in self.graph.input:
            first = value.type.tensor_type.shape.dim[0]
            assert first.dim_value == 1, f"{value.name} is not made for one picture"
            first.dim_param = NAME
            self.forms[value.name] = MERGED
        self.add("Shape", [self.graph.input[0].name], "batch.size", start=0, end=1)
        for node in self.graph.node:
            self.visit(node)
        for value in self.graph.output:
            form = self.forms.get(value.name)
            assert form, f"{value.name} does not depend on the pictures"
            if form == STACKED:
                self.rename(value.name, f"{value.name}.stacked")
                self.add("Squeeze", [f"{value.name}.stacked", self.integers(1)], value.name)
            value.type.tensor_type.shape.dim[0].dim_param = NAME
        used = {name for node in self.nodes for name in node.input}
        nodes = [node for node in self.nodes if node.name != "batch.size" or "batch.size" in used]
        replace(self.graph.node, nodes)
        known = [tensor for tensor in self.graph.initializer if tensor.name in used]
        replace(self.graph.initializer, known + [numpy_helper.from_array(values, name) for name, values in self.added.items()])
        replace(self.graph.value_info, [])
        onnx.checker.check_model(self.model, full_check=True)
        return self.model

    def visit(self, node):
        kind = node.op_type
        if kind == "Constant":
            self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        if not any(name in self.forms for name in node.input):
            self.nodes.append(node)
        elif kind in PICTURES:
            self.keep(node, [self.merged(node.input[0]), *node.input[1:]], MERGED)
        elif kind in ALONE:
            self.keep(node, node.input, self.forms[node.input[0]])
        elif kind in TOGETHER:
            self.together(node)
        elif kind in WITH_AXIS:
            self.with_axis(node)
        elif kind in WITH_AXES:
            self.with_axes(node)
        else:
            rule = getattr(self, f"do_{kind.lower()}", None)
            assert rule, f"there is no rule for a batch of operator {kind}"
            rule(node)

    # Nodes and values.

    def add(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def keep(self, node, inputs, form, **attributes):
        """The same operator on other inputs, with attributes changed; its outputs have this form."""
        kept = onnx.NodeProto()
        kept.CopyFrom(node)
        replace(kept.input, inputs)
        replace(kept.attribute, [attribute for attribute in node.attribute if attribute.name not in attributes])
        kept.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self.nodes.append(kept)
        if form:
            self.forms.update((name, form) for name in node.output)

    def rename(self, old, new):
        for node in self.nodes:
            node.name = new if node.name == old else node.name
            for names in (node.input, node.output):
                replace(names, [new if name == old else name for name in names])

    def constant(self, name, values):
        known = self.added.setdefault(name, values)
        assert known is values or numpy.array_equal(known, values), f"two constants are called {name}"
        return name

    def integers(self, *values):
        return self.constant("batch.integers_" + "_".join(map(str, values)), numpy.array(values, "<i8"))

    def rank(self, name):
        return len(self.shapes[name])

    def merged(self, name):
        return self.in_form(name, MERGED, "Squeeze")

    def stacked(self, name):
        return self.in_form(name, STACKED, "Unsqueeze")

    def in_form(self, name, form, operator):
        if self.forms[name] == form:
            return name
        if (name, form) not in self.converted:
            self.converted[name, form] = self.add(operator, [name, self.integers(1)], f"{name}.{form}")
        return self.converted[name, form]

    def repeated(self, name, form):
        """A value that all pictures share, once for each of them."""
        rest = self.shapes[name][1 if form == MERGED else 0 :]
        assert None not in rest and (form == STACKED or self.shapes[name][0] == 1), f"{name} cannot be repeated"
        sizes = self.add("Concat", ["batch.size", self.integers(*rest)], f"{name}.repeated_{form}_sizes", axis=0)
        return self.add("Expand", [name, sizes], f"{name}.repeated_{form}")

    def in_stack(self, name):
        """Stacked; what all pictures share is repeated."""
        return self.stacked(name) if name in self.forms else self.repeated(name, STACKED)

    def widened(self, name, rank):
        """Stacked, with so many axes behind the first one."""
        stacked, missing = self.stacked(name), rank - self.rank(name)
        if not missing:
            return stacked
        return self.add("Unsqueeze", [stacked, self.integers(*range(1, missing + 1))], f"{name}.widened_{rank}")

    def is_merged(self, *names):
        return all(self.forms.get(name, MERGED) == MERGED for name in names)

    # Rules.

    def together(self, node):
        batched = [name for name in node.input if name in self.forms]
        rank = max(self.rank(name) for name in node.input)
        fits = lambda name: self.rank(name) < rank or self.shapes[name][0] == 1
        shared = [name for name in node.input if name not in self.forms]
        if self.is_merged(*batched) and all(self.rank(name) == rank for name in batched) and all(map(fits, shared)):
            self.keep(node, node.input, MERGED)
        else:
            self.keep(node, [self.widened(name, rank) if name in self.forms else name for name in node.input], STACKED)

    def do_matmul(self, node):
        left, right = node.input
        rank = max(self.rank(left), self.rank(right))
        alike = left in self.forms and right in self.forms and self.rank(left) == self.rank(right) > 2
        by_shared = left in self.forms and right not in self.forms and self.rank(right) == 2
        if self.is_merged(left, right) and (alike or by_shared):
            self.keep(node, node.input, MERGED)
        else:
            self.keep(node, [self.widened(name, rank) if name in self.forms else name for name in node.input], STACKED)

    def with_axis(self, node):
        source = node.input[0]
        axis = attribute(node, "axis", WITH_AXIS[node.op_type]) % self.rank(source)
        if self.is_merged(source) and axis > 0:
            self.keep(node, node.input, MERGED)
        else:
            self.keep(node, [self.stacked(source), *node.input[1:]], STACKED, axis=axis + 1)

    def with_axes(self, node):
        source = node.input[0]
        given = self.constants[node.input[1]].ravel().tolist() if len(node.input) > 1 else attribute(node, "axes", None)
        axes = [axis % self.rank(source) for axis in (range(self.rank(source)) if given is None else given)]
        if self.is_merged(source) and 0 not in axes:
            self.keep(node, node.input, MERGED)
            return
        moved = [axis + 1 for axis in axes]
        if len(node.input) > 1:
            self.keep(node, [self.stacked(source), self.integers(*moved)], STACKED)
        else:
            self.keep(node, [self.stacked(source)], STACKED, axes=moved)

    def do_unsqueeze(self, node):
        source = node.input[0]
        axes = [axis % self.rank(node.output[0]) for axis in self.constants[node.input[1]].ravel().tolist()]
        if self.is_merged(source) and 0 not in axes:
            self.keep(node, node.input, MERGED)
        else:
            self.keep(node, [self.stacked(source), self.integers(*(axis + 1 for axis in axes))], STACKED)

    def do_transpose(self, node):
        order = attribute(node, "perm", None)
        if self.is_merged(node.input[0]) and order[0] == 0:
            self.keep(node, node.input, MERGED)
        else:
            self.keep(node, [self.stacked(node.input[0])], STACKED, perm=[0, *(axis + 1 for axis in order)])

    def do_reshape(self, node):
        """The first size may be that of the first axis that comes in, which is N in both forms."""
        source, sizes = node.input
        known = self.constants.get(sizes)
        assert known is None or 0 not in known[1:], f"{node.name} copies sizes"
        if self.is_merged(source) and known is not None and known[0] == 1:
            self.keep(node, [source, self.integers(0, *known[1:].tolist())], MERGED)
        elif known is not None:
            self.keep(node, [source, self.integers(0, *known.tolist())], STACKED)
        else:
            sizes = self.add("Concat", [self.integers(0), sizes], f"{node.output[0]}.sizes", axis=0)
            self.keep(node, [source, sizes], STACKED)

    def do_concat(self, node):
        axis = attribute(node, "axis", None) % self.rank(node.output[0])
        if self.is_merged(*node.input) and axis > 0:
            parts = [name if name in self.forms else self.repeated(name, MERGED) for name in node.input]
            self.keep(node, parts, MERGED)
        else:
            self.keep(node, [self.in_stack(name) for name in node.input], STACKED, axis=axis + 1)

    def do_slice(self, node):
        source, *given = node.input
        begins, ends, axes, steps = (self.constants[name].tolist() for name in given)
        if self.is_merged(source):
            for at, axis in enumerate(axes):
                if axis == 0:
                    assert begins[at] == 0 and steps[at] == 1 and ends[at] >= 1, f"{node.name} leaves the picture out"
                    ends[at] = END
            self.keep(node, [source, given[0], self.integers(*ends), *given[2:]], MERGED)
        else:
            moved = self.integers(*(axis % self.rank(source) + 1 for axis in axes))
            self.keep(node, [source, *given[:2], moved, given[3]], STACKED)

    def do_gather(self, node):
        source, places = node.input
        axis = attribute(node, "axis", 0) % self.rank(source)
        if source not in self.forms:
            assert axis == 0, f"{node.name} gathers along another axis than the first"
            self.keep(node, node.input, self.forms[places])
        elif places in self.forms:
            assert axis == 0, f"{node.name} gathers along another axis than the first"
            last = self.integers(-1)
            each = self.add("Unsqueeze", [self.stacked(places), last], f"{node.output[0]}.places")
            self.add("GatherND", [self.stacked(source), each], node.output[0], batch_dims=1)
            self.forms[node.output[0]] = STACKED
        elif self.is_merged(source) and axis > 0:
            self.keep(node, node.input, MERGED)
        else:
            self.keep(node, [self.stacked(source), places], STACKED, axis=axis + 1)

    def do_gathernd(self, node):
        source, places = node.input
        if source not in self.forms:
            self.keep(node, node.input, self.forms[places])
        else:
            self.keep(node, [self.stacked(source), self.in_stack(places)], STACKED, batch_dims=1)

    def do_shape(self, node):
        """The sizes that one picture has."""
        source = node.input[0]
        start, end = attribute(node, "start", 0), attribute(node, "end", self.rank(source))
        assert 0 <= start <= end, f"{node.name} counts from the end"
        if self.forms[source] == STACKED:
            self.keep(node, node.input, None, start=start + 1, end=end + 1)
        elif start > 0:
            self.keep(node, node.input, None)
        else:
            rest = self.add("Shape", [source], f"{node.output[0]}.rest", start=1, end=end)
            self.add("Concat", [self.integers(1), rest], node.output[0], axis=0)

    def do_tile(self, node):
        source, repeats = node.input[0], self.constants[node.input[1]].tolist()
        if self.is_merged(source) and repeats[0] == 1:
            self.keep(node, node.input, MERGED)
        else:
            self.keep(node, [self.stacked(source), self.integers(1, *repeats)], STACKED)

    def do_pad(self, node):
        source, pads = node.input[0], self.constants[node.input[1]].tolist()
        half = len(pads) // 2
        if self.is_merged(source) and pads[0] == pads[half] == 0:
            self.keep(node, node.input, MERGED)
        else:
            moved = self.integers(0, *pads[:half], 0, *pads[half:])
            self.keep(node, [self.stacked(source), moved, *node.input[2:]], STACKED)

    def do_resize(self, node):
        source, sizes = node.input[0], node.input[3] if len(node.input) > 3 else ""
        if not sizes:
            self.keep(node, [self.merged(source), *node.input[1:]], MERGED)
            return
        before, after = self.shapes[source], self.constants.get(sizes)
        if after is not None and all(old and new % old == 0 for old, new in zip(before, after.tolist())):
            scales = numpy.array([new // old for old, new in zip(before, after.tolist())], "<f4")
            scales = self.constant("batch.scales_" + "_".join(str(int(scale)) for scale in scales), scales)
            self.keep(node, [self.merged(source), node.input[1], scales], MERGED)
            return
        bounds = [self.integers(at) for at in (1, END, 0)]
        rest = self.add("Slice", [sizes, *bounds], f"{node.output[0]}.rest")
        sizes = self.add("Concat", ["batch.size", rest], f"{node.output[0]}.sizes", axis=0)
        self.keep(node, [self.merged(source), *node.input[1:3], sizes], MERGED)


def attribute(node, name, default):
    found = (helper.get_attribute_value(attribute) for attribute in node.attribute if attribute.name == name)
    return next(found, default)


def replace(repeated, values):
    values = list(values)
    del repeated[:]
    repeated.extend(values)
