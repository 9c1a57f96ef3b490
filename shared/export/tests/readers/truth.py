"""What a data set should say: images of the truth that the test wrote, with their persons."""

import json
import pathlib
import sys

FOLDER = pathlib.Path(sys.argv[1])
IMAGES = json.loads(pathlib.Path(sys.argv[2]).read_text())
PERSONS = [person for image in IMAGES for person in image["persons"]]


def near(found, expected, tolerance=0.02):
    """Whether numbers are the same but for rounding."""
    found, expected = list(found), list(expected)
    return len(found) == len(expected) and all(abs(a - b) <= tolerance for a, b in zip(found, expected))


def corners(bbox):
    """x0, y0, x1, y1 of x, y, width, height."""
    x, y, width, height = bbox
    return [x, y, x + width, y + height]


def same_boxes(found, expected, tolerance=0.02):
    """Whether boxes are the same, in any order."""
    found, expected = sorted(map(list, found)), sorted(map(list, expected))
    return len(found) == len(expected) and all(near(a, b, tolerance) for a, b in zip(found, expected))
