"""Makes shared/vision/tests/rle.json: random masks and what pycocotools makes of them."""
import json
import pathlib
import sys

import numpy
from pycocotools import mask as coco



def masks(random):
    """Masks of many shapes and densities: noise, blobs, all, nothing, single rows and columns."""
    for number in range(60):
        height, width = (int(side) for side in random.integers(1, 40, 2))
        if number % 3 == 0:
            yield (random.random((height, width)) < random.random()).astype(numpy.uint8)
        elif number % 3 == 1:
            y, x = numpy.mgrid[:height, :width]
            centre = random.random(2) * (height, width)
            yield (((y - centre[0]) ** 2 + (x - centre[1]) ** 2) < (random.random() * 20) ** 2).astype(numpy.uint8)
        else:
            yield numpy.full((height, width), number % 2, numpy.uint8)
    y, x = numpy.mgrid[:480, :640]
    yield (((y - 240) ** 2 * 3 + (x - 300) ** 2) < 200**2).astype(numpy.uint8)


def main():
    random = numpy.random.default_rng(1)
    cases, previous = [], None
    for picture in masks(random):
        packed = coco.encode(numpy.asfortranarray(picture))
        x, y, w, h = (float(value) for value in coco.toBbox(packed))
        case = {
            "height": picture.shape[0],
            "width": picture.shape[1],
            "counts": packed["counts"].decode(),
            "area": int(coco.area(packed)),
            "box": [x, y, x + w, y + h],
        }
        if picture.size < 2000:
            case["rows"] = ["".join(map(str, row)) for row in picture]
        flipped = coco.encode(numpy.asfortranarray(picture[:, ::-1]))
        case["flipped"] = flipped["counts"].decode()
        case["iou_with_flipped"] = round(float(coco.iou([packed], [flipped], [0])[0, 0]), 6)
        cases.append(case)
    text = ",\n".join(json.dumps(case) for case in cases)
    pathlib.Path(sys.argv[1]).write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    main()
