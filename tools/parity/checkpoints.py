"""A PyTorch checkpoint of SyncNet's form, one thirty-second as wide and with fixed random weights: what `framefleet models convert` is tested with.

It is written without PyTorch, in the format since 1.6: a pickle that names storages, and every storage in a file of its own.
"""
import argparse
import collections
import io
import pathlib
import pickle
import sys
import types
import zipfile

import numpy

SEED = 17
NARROW = 32
EMBEDDING = 32
AUDIO = [(0, 1, 64, (3, 3)), (4, 64, 192, (3, 3)), (8, 192, 384, (3, 3)), (11, 384, 256, (3, 3)), (14, 256, 256, (3, 3)), (18, 256, 512, (5, 4))]
FACE = [
    (0, 3, 96, (5, 7, 7)), (4, 96, 256, (1, 5, 5)), (8, 256, 256, (1, 3, 3)), (11, 256, 256, (1, 3, 3)), (14, 256, 256, (1, 3, 3)),
    (18, 256, 512, (1, 6, 6)),
]  # fmt: skip


def stands_in(module, name):
    """Something that a pickle calls by the name of what PyTorch has there."""
    made = type(name, (), {"__module__": module})
    setattr(sys.modules.setdefault(module, types.ModuleType(module)), name, made)
    return made


FLOATS = stands_in("torch", "FloatStorage")
REBUILD = stands_in("torch._utils", "_rebuild_tensor_v2")


class Storage:
    def __init__(self, key, values):
        self.key, self.values = key, values


class Tensor:
    def __init__(self, key, values):
        self.storage = Storage(key, numpy.ascontiguousarray(values, "<f4"))

    def __reduce__(self):
        values = self.storage.values
        strides = tuple(stride // values.itemsize for stride in values.strides)
        return REBUILD, (self.storage, 0, values.shape, strides, False, collections.OrderedDict())


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return "storage", FLOATS, value.key, "cpu", value.values.size
        return None


def save(path, state):
    tensors = {name: Tensor(str(number), values) for number, (name, values) in enumerate(state.items())}
    pickled = io.BytesIO()
    Pickler(pickled, 2).dump(collections.OrderedDict(tensors))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        # The same time for all, so that the same weights make the same bytes.
        entry = lambda name: zipfile.ZipInfo(f"archive/{name}", (1980, 1, 1, 0, 0, 0))
        archive.writestr(entry("data.pkl"), pickled.getvalue())
        for tensor in tensors.values():
            archive.writestr(entry(f"data/{tensor.storage.key}"), tensor.storage.values.tobytes())


def syncnet():
    random = numpy.random.default_rng(SEED)
    state = {}

    def layer(name, out, into, kernel=()):
        shape = (out, into, *kernel)
        state[f"{name}.weight"] = random.standard_normal(shape) / numpy.prod(shape[1:]) ** 0.5
        state[f"{name}.bias"] = 0.1 * random.standard_normal(out)

    def norm(name, count):
        state[f"{name}.weight"] = 1 + 0.1 * random.standard_normal(count)
        state[f"{name}.bias"] = 0.1 * random.standard_normal(count)
        state[f"{name}.running_mean"] = 0.1 * random.standard_normal(count)
        state[f"{name}.running_var"] = 1 + random.random(count)

    width = lambda channels: channels if channels <= 3 else channels // NARROW
    for tower, layers in (("netcnnaud", AUDIO), ("netcnnlip", FACE)):
        for number, into, out, kernel in layers:
            layer(f"{tower}.{number}", width(out), width(into), kernel)
            norm(f"{tower}.{number + 1}", width(out))
    for tower in ("netfcaud", "netfclip"):
        layer(f"{tower}.0", width(512), width(512))
        norm(f"{tower}.1", width(512))
        layer(f"{tower}.3", EMBEDDING, width(512))
    return state


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=pathlib.Path, help="tests/it/models")
    save(arguments.parse_args().folder / "narrow-syncnet.pth", syncnet())


if __name__ == "__main__":
    main()
