"""COCO files by COCO's own evaluation, by Datumaro as instances and as person keypoints, by Supervision, and by the rules of FiftyOne's importer."""

from pathlib import Path

from datumaro.components.annotation import AnnotationType
from datumaro.components.dataset import Dataset
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from supervision import DetectionDataset
from truth import FOLDER, IMAGES, PERSONS, corners, near, same_boxes

coco = COCO(FOLDER / "annotations/instances_default.json")
root = Path(FOLDER, coco.dataset["info"]["root"])
annotations = coco.loadAnns(coco.getAnnIds())
assert len(annotations) == len(PERSONS), len(annotations)
assert len(coco.imgs) == len(IMAGES) and len(coco.anns) == len(PERSONS), "ids are not unique"

# Its own annotations, as results: everything is found. A person without a mask is missed by masks.
for kind, least in [("bbox", 1.0), ("segm", 0.85), ("keypoints", 1.0)]:
    results = [
        {**{key: one[key] for key in ("image_id", "category_id", "bbox", "segmentation", "keypoints")}, "score": one["score"]}
        for one in annotations
    ]
    if kind == "bbox":
        results = [{key: one[key] for key in ("image_id", "category_id", "bbox", "score")} for one in results]
    evaluation = COCOeval(coco, coco.loadRes(results), kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] >= least - 1e-9, (kind, evaluation.stats[0])

for image, expected in zip(coco.dataset["images"], IMAGES):
    with Image.open(root / image["file_name"]) as picture:
        assert picture.size == (image["width"], image["height"]) == tuple(expected["size"]), image
    found = [one for one in annotations if one["image_id"] == image["id"]]
    assert same_boxes([corners(one["bbox"]) for one in found], [person["box"] for person in expected["persons"]]), image
for one in annotations:
    x0, y0, x1, y1 = corners(one["bbox"])
    image = coco.imgs[one["image_id"]]
    assert 0 <= x0 < x1 <= image["width"] and 0 <= y0 < y1 <= image["height"], one
    mask = coco.annToMask(one)
    assert mask.shape == (image["height"], image["width"])
    if mask.any():
        ys, xs = mask.nonzero()
        assert near([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], [x0, y0, x1, y1], 1) and mask.sum() == one["area"]
    assert one["num_keypoints"] == sum(flag > 0 for flag in one["keypoints"][2::3])
assert sum(not coco.annToMask(one).any() for one in annotations) == sum(not person["mask"] for person in PERSONS)
assert {one["id"]: one["name"] for one in coco.dataset["categories"]} == {1: "person", 2: "face", 3: "object"}

for task in ("instances", "person_keypoints"):
    items = list(Dataset.import_from(str(FOLDER), f"coco_{task}"))
    assert len(items) == len(IMAGES), len(items)
    assert all(item.media.data is not None for item in items), "pictures do not open"
    of = lambda kind: [one for item in items for one in item.annotations if one.type == kind]
    boxes = [corners(one.get_bbox()) for one in of(AnnotationType.bbox)]
    assert same_boxes(boxes, [person["box"] for person in PERSONS]), task
    if task == "person_keypoints":
        assert len(of(AnnotationType.points)) == len(PERSONS)

opened = DetectionDataset.from_coco(
    images_directory_path=str(root), annotations_path=str(FOLDER / "annotations/instances_default.json"), force_masks=True
)
assert len(opened) == len(IMAGES) and sum(len(one) for _, _, one in opened) == len(PERSONS)
