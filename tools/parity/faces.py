"""Makes the parity fixture of services/face-clustering: what OpenCV's FaceDetectorYN and FaceRecognizerSF make of a portrait."""
import argparse
import json
import pathlib

import cv2
import numpy
from skimage import data

SIDE = 640
# The part of the portrait that has the face: left, top, width, height.
PART = (100, 0, 220, 240)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--yunet", required=True)
    parser.add_argument("--sface", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    left, top, width, height = PART
    portrait = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)[top : top + height, left : left + width]
    square = numpy.zeros((SIDE, SIDE, 3), numpy.uint8)
    square[:height, :width] = portrait
    _, found = cv2.FaceDetectorYN.create(arguments.yunet, "", (SIDE, SIDE), 0.6, 0.3).detect(square)
    assert len(found) == 1, found
    recognizer = cv2.FaceRecognizerSF.create(arguments.sface, "")
    aligned = recognizer.alignCrop(square, found[0])
    vector = recognizer.feature(aligned)[0].astype(float)
    face = found[0].astype(float).tolist()
    expected = {
        "box": [face[0], face[1], face[0] + face[2], face[1] + face[3]],
        "landmarks": face[4:14],
        "score": face[14],
        "vector": vector.tolist(),
    }
    cv2.imwrite(str(arguments.out / "portrait.png"), portrait)
    cv2.imwrite(str(arguments.out / "aligned.png"), aligned)
    (arguments.out / "faces.json").write_text(json.dumps(expected, indent=1) + "\n")


main()
