"""One part of SAM 2.1 as an ONNX file, from its publisher's checkpoint: encoder, decoder, or one of the four of its memory.

The graphs are those of tools/parity/segment_anything.py, which compares them with the publisher's own program.
"""
import argparse
import pathlib
import shutil
import tempfile

from sam2.build_sam import build_sam2

import segment_anything
import segment_anything_memory

PARTS = {
    "encoder": segment_anything, "decoder": segment_anything, "memory-pointer": segment_anything_memory,
    "memory-encoder": segment_anything_memory, "memory-attention": segment_anything_memory, "memory-decoder": segment_anything_memory,
}  # fmt: skip


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--output", required=True, type=pathlib.Path, help="the ONNX file to write")
    arguments.add_argument("--part", required=True, choices=PARTS)
    arguments.add_argument("--config", required=True, help="the checkpoint's configuration, in the words of sam2")
    arguments.add_argument("checkpoint")
    arguments = arguments.parse_args()
    model = build_sam2(arguments.config, arguments.checkpoint, device="cpu").eval()
    with tempfile.TemporaryDirectory(dir=arguments.output.parent) as folder:
        folder = pathlib.Path(folder)
        PARTS[arguments.part].export(model, folder, "")
        shutil.move(folder / f"{arguments.part}.onnx", arguments.output)


if __name__ == "__main__":
    main()
