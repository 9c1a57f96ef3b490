"""Puts the pieces of a file together: some packages split files that are too large for a content delivery network."""
import argparse
import shutil

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--output", required=True)
arguments.add_argument("input", nargs="+")
arguments = arguments.parse_args()
with open(arguments.output, "wb") as whole:
    for name in arguments.input:
        with open(name, "rb") as piece:
            shutil.copyfileobj(piece, whole)
