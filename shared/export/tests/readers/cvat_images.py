"""CVAT for images by Datumaro, which is CVAT's importer."""

from datumaro.components.annotation import AnnotationType
from datumaro.components.dataset import Dataset
from truth import FOLDER, IMAGES, PERSONS, near, same_boxes

items = list(Dataset.import_from(str(FOLDER), "cvat"))
assert len(items) == len(IMAGES), len(items)
boxes, masks = [], []
for item, expected in zip(sorted(items, key=lambda item: item.attributes["frame"]), IMAGES):
    assert tuple(item.media.size) == (expected["size"][1], expected["size"][0])
    for one in item.annotations:
        x, y, w, h = one.get_bbox()
        (boxes if one.type == AnnotationType.bbox else masks).append([x, y, x + w, y + h])
assert same_boxes(boxes, [person["box"] for person in PERSONS])
with_mask = [person["box"] for person in PERSONS if person["mask"]]
assert same_boxes(masks, with_mask, 1.01), (masks, with_mask)
