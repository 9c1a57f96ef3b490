"""Frees the sizes of a network that was exported for one, where its layers work on any."""
import onnx

import graph


def main():
    arguments = graph.parser(__doc__)
    arguments.add_argument("--input-shape", required=True, help="sizes of the only input, names for those that are free: N,3,H,W")
    arguments.add_argument("--output-shape", required=True, help="sizes of every output; * keeps what is there: N,*,h,w")
    arguments.add_argument("input")
    arguments = arguments.parse_args()
    model = onnx.load(arguments.input)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    del model.graph.value_info[:]
    for values, sizes in ((model.graph.input, arguments.input_shape), (model.graph.output, arguments.output_shape)):
        for value in values:
            reshape(value.type.tensor_type.shape.dim, sizes.split(","))
    onnx.checker.check_model(model)
    graph.save(model, arguments.output)


def reshape(dimensions, sizes):
    assert len(dimensions) == len(sizes), f"{len(sizes)} sizes for {len(dimensions)} dimensions"
    for dimension, size in zip(dimensions, sizes):
        if size.isdigit():
            dimension.dim_value = int(size)
        elif size != "*":
            dimension.dim_param = size


if __name__ == "__main__":
    main()
