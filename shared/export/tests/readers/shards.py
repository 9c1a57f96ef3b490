"""Shards by WebDataset."""

import io
import json

import numpy as np
import webdataset
from PIL import Image
from truth import FOLDER, IMAGES, corners, same_boxes

shards = sorted(str(path) for path in FOLDER.glob("shard-*.tar"))
samples = list(webdataset.WebDataset(shards, shardshuffle=False))
assert len(samples) == len(IMAGES), len(samples)
assert len({sample["__key__"] for sample in samples}) == len(IMAGES)
for sample, expected in zip(samples, IMAGES):
    said = json.loads(sample["json"])
    assert (said["item"], said["frame"]) == (expected["item"], expected["frame"])
    picture = Image.open(io.BytesIO(sample["jpg"]))
    assert picture.size == tuple(expected["size"]) == (said["width"], said["height"])
    boxes = [corners(one["bbox"]) for one in said["objects"]]
    assert same_boxes(boxes, [person["box"] for person in expected["persons"]])
    masked = [person for person in expected["persons"] if person["mask"]]
    assert ("mask.png" in sample) == bool(masked), sample["__key__"]
    if masked:
        mask = np.asarray(Image.open(io.BytesIO(sample["mask.png"])))
        assert mask.shape == (picture.height, picture.width) and len(set(mask.flat) - {0}) == len(masked)
