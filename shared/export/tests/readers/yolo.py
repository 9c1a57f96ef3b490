"""A YOLO data set by Datumaro, and by the rules that Ultralytics checks label files with before it trains."""

import sys

import numpy as np
import yaml
from datumaro.components.annotation import AnnotationType
from datumaro.components.dataset import Dataset
from PIL import Image
from supervision import DetectionDataset
from truth import FOLDER, IMAGES, PERSONS, same_boxes

task = sys.argv[3]
description = yaml.safe_load((FOLDER / "data.yaml").read_text())
splits = [name for name in ("train", "val", "test") if name in description]
names = description["names"]
assert names == {0: "person"}, names
points = description.get("kpt_shape", [0, 0])
assert points == ([17, 3] if task == "pose" else [0, 0])

seen, persons = 0, 0
for split in set(description[name] for name in splits):
    for path in sorted((FOLDER / split).iterdir()):
        seen += 1
        with Image.open(path) as picture:
            picture.verify()
        label = FOLDER / split.replace("images/", "labels/") / f"{path.stem}.txt"
        rows = [line.split() for line in label.read_text().splitlines()]
        persons += len(rows)
        for row in rows:
            values = np.array(row, dtype=float)
            assert values.min() >= 0 and int(row[0]) < len(names)
            if task == "segment":
                polygon = values[1:].reshape(-1, 2)
                assert len(polygon) >= 3 and polygon.max() <= 1
            else:
                assert len(row) == 5 + points[0] * points[1], len(row)
                places = values[5:].reshape(-1, 3)[:, :2] if task == "pose" else values[1:]
                assert places.size == 0 or places.max() <= 1
assert seen == len(IMAGES), seen
missing = sum(not person["mask"] for person in PERSONS) if task == "segment" else 0
assert persons == len(PERSONS) - missing, persons

if task == "detect":
    dataset = Dataset.import_from(str(FOLDER), "yolo")
    items = list(dataset)
    assert len(items) == len(IMAGES), len(items)
    found = [one.get_bbox() for item in items for one in item.annotations if one.type == AnnotationType.bbox]
    found = [[x, y, x + w, y + h] for x, y, w, h in found]
    assert same_boxes(found, [person["box"] for person in PERSONS], 0.05)

if task != "pose":
    opened = [
        DetectionDataset.from_yolo(
            images_directory_path=str(FOLDER / split),
            annotations_directory_path=str(FOLDER / split.replace("images/", "labels/")),
            data_yaml_path=str(FOLDER / "data.yaml"),
            force_masks=task == "segment",
        )
        for split in sorted(set(description[name] for name in splits))
    ]
    assert sum(map(len, opened)) == len(IMAGES)
    found = [one for dataset in opened for _, _, one in dataset]
    assert sum(map(len, found)) == len(PERSONS) - missing
    if task == "segment":
        assert all(one.mask is not None and one.mask.any() for one in found if len(one))
