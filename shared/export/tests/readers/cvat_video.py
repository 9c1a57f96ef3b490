"""CVAT for video by Datumaro, and its tracks by CVAT's rules: a track is drawn from each key frame until the next, unless it is outside."""

import xml.etree.ElementTree as ElementTree

from datumaro.components.dataset import Dataset
from truth import FOLDER, IMAGES, near

film = [image for image in IMAGES if image["item"] == "walk.mp4"]
path = FOLDER / "walk.mp4.xml"
tree = ElementTree.parse(path).getroot()
assert tree.tag == "annotations" and tree.findtext("version") == "1.1"
assert tree.findtext("meta/task/mode") == "interpolation" and tree.findtext("meta/task/size") == "8"
tracks = tree.findall("track")
assert [track.get("label") for track in tracks] == ["person", "person"]
assert [track.get("id") for track in tracks] == ["0", "1"]
for number, track in enumerate(tracks):
    frames = [int(box.get("frame")) for box in track.findall("box")]
    assert frames == sorted(set(frames)), frames
    outside = {int(box.get("frame")): box.get("outside") == "1" for box in track.findall("box")}
    assert outside[3] and not outside[2] and not outside[4], "nobody is in frame 3"
    assert 6 not in outside, "nothing is known of the frame that failed"
    for image in film:
        persons = [person for person in image["persons"] if person["number"] == number]
        shown = [box for box in track.findall("box") if int(box.get("frame")) == image["frame"] and box.get("outside") == "0"]
        assert len(shown) == len(persons)
        for box, person in zip(shown, persons):
            assert near([float(box.get(side)) for side in ("xtl", "ytl", "xbr", "ybr")], person["box"])
items = list(Dataset.import_from(str(path), "cvat"))
assert sum(not one.attributes["outside"] for item in items for one in item.annotations) == sum(len(image["persons"]) for image in film)
