"""Reads the tensors of a PyTorch checkpoint without PyTorch, and without running what a pickle may ask for."""
import collections
import pickle
import zipfile

import numpy

DTYPES = {"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "LongStorage": "<i8", "IntStorage": "<i4"}
# What the first pickle of a file holds in the format before 1.6.
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


def read(path):
    """The state dictionary: arrays by name, in the order of the file."""
    with open(path, "rb") as file:
        state = read_zip(file) if zipfile.is_zipfile(file) else read_legacy(file)
    return {name: value for name, value in state.items() if isinstance(value, numpy.ndarray)}


def read_zip(file):
    """The format since 1.6: a pickle, and every storage in a file of its own."""
    with zipfile.ZipFile(file) as archive:
        pickled = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = pickled.removesuffix("data.pkl")
        reader = Reader(archive.open(pickled))
        state = reader.load()
        for key, storage in reader.storages.items():
            storage[:] = numpy.frombuffer(archive.read(f"{folder}data/{key}"), storage.dtype)
    return state


def read_legacy(file):
    """The format before 1.6: pickles of a magic number, a version, the machine, the state and the keys, then the storages."""
    file.seek(0)
    if Reader(file).load() != LEGACY_MAGIC:
        raise ValueError("this is no PyTorch checkpoint")
    for _version_and_machine in range(2):
        Reader(file).load()
    reader = Reader(file)
    state = reader.load()
    for key in Reader(file).load():
        storage = reader.storages[key]
        count = int.from_bytes(file.read(8), "little")
        assert count == storage.size, f"storage {key} has {count} elements, the state says {storage.size}"
        storage[:] = numpy.frombuffer(file.read(storage.nbytes), storage.dtype)
    return state


class Reader(pickle.Unpickler):
    """Knows tensors, storages and ordered dictionaries; refuses every other global. Storages are filled afterwards."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, *_rest: data
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"a checkpoint of plain tensors does not need {module}.{name}")

    def persistent_load(self, reference):
        kind, dtype, key, _device, count = reference[:5]
        assert kind == "storage", kind
        return self.storages.setdefault(key, numpy.empty(count, dtype))


def tensor(storage, offset, shape, strides, *_rest):
    """A view of a storage."""
    bytes_apart = [stride * storage.itemsize for stride in strides]
    return numpy.lib.stride_tricks.as_strided(storage[offset:], shape, bytes_apart)


if __name__ == "__main__":
    import sys

    for name, value in read(sys.argv[1]).items():
        print(name, value.dtype, value.shape)
