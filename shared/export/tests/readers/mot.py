"""MOTChallenge by motmetrics, and by Datumaro, which is CVAT's importer."""

import motmetrics
import numpy
from datumaro.components.dataset import Dataset
from truth import FOLDER, IMAGES, near

# motmetrics 1.4 is older than NumPy 2.
numpy.asfarray = lambda values: numpy.asarray(values, dtype=float)

film = [image for image in IMAGES if image["item"] == "walk.mp4"]
persons = {(image["frame"] + 1, person["number"] + 1): person["box"] for image in film for person in image["persons"]}
truth = motmetrics.io.loadtxt(FOLDER / "walk.mp4/gt/gt.txt", fmt=motmetrics.io.Format.MOT16, min_confidence=1)
assert len(truth) == len(persons), len(truth)
for (frame, track), row in truth.iterrows():
    # Its loader counts pixels from 0.
    found = [row["X"], row["Y"], row["X"] + row["Width"], row["Y"] + row["Height"]]
    assert near(found, persons[(frame, track)]), (frame, track, found)
accumulator = motmetrics.utils.compare_to_groundtruth(truth, truth, "iou", distth=0.5)
metrics = motmetrics.metrics.create()
summary = metrics.compute(accumulator, metrics=["mota", "idf1", "num_switches"])
assert (summary["mota"].item(), summary["idf1"].item(), summary["num_switches"].item()) == (1.0, 1.0, 0)

dataset = Dataset.import_from(str(FOLDER / "walk.mp4"), "mot_seq")
items = list(dataset)
assert len(items) == 8, len(items)
found = [one for item in items for one in item.annotations]
assert len(found) == len(persons) and not any(one.attributes["occluded"] for one in found)
assert {one.attributes["track_id"] for one in found} == {1, 2}
assert all((FOLDER / f"walk.mp4/img1/{image['frame'] + 1:06}.jpg").is_file() for image in film)
assert not (FOLDER / "photos").exists(), "stills are no sequence"
