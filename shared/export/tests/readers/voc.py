"""Pascal VOC by Datumaro and Supervision."""

from datumaro.components.annotation import AnnotationType
from datumaro.components.dataset import Dataset
from supervision import DetectionDataset
from truth import FOLDER, IMAGES, PERSONS

items = list(Dataset.import_from(str(FOLDER), "voc_detection"))
assert len(items) == len(IMAGES), len(items)
assert {item.subset for item in items} == {"train", "val"}
boxes = [one.get_bbox() for item in items for one in item.annotations if one.type == AnnotationType.bbox]
found = sorted([w, h] for _, _, w, h in boxes)
# Readers differ in whether they take the first pixel for 0: sides are the same for all, but for the pixel at the end.
expected = sorted([person["box"][2] - person["box"][0], person["box"][3] - person["box"][1]] for person in PERSONS)
assert len(found) == len(expected)
assert all(abs(a[0] - b[0]) <= 1 and abs(a[1] - b[1]) <= 1 for a, b in zip(found, expected)), (found, expected)
assert all(item.media.path and item.media.data is not None for item in items)

opened = DetectionDataset.from_pascal_voc(
    images_directory_path=str(FOLDER / "JPEGImages"), annotations_directory_path=str(FOLDER / "Annotations")
)
assert len(opened) == len(IMAGES) and sum(len(one) for _, _, one in opened) == len(PERSONS)
