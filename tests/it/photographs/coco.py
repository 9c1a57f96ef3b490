"""Every image of a COCO file opens below the folder that the file names; boxes and masks are of its size."""

import pathlib
import sys

from PIL import Image, ImageOps
from pycocotools.coco import COCO

document = pathlib.Path(sys.argv[1])
coco = COCO(document)
root = document.parent / coco.dataset["info"]["root"]
for image in coco.loadImgs(coco.getImgIds()):
    size = (image["width"], image["height"])
    with Image.open(root / image["file_name"]) as picture:
        assert ImageOps.exif_transpose(picture).size == size, image
    found = coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))
    assert found, image
    for annotation in found:
        x, y, width, height = annotation["bbox"]
        assert x >= 0 and y >= 0 and x + width <= size[0] and y + height <= size[1], (annotation, image)
        assert coco.annToMask(annotation).shape == size[::-1], (annotation, image)
