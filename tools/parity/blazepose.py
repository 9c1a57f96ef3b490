"""BlazePose as MediaPipe runs it, on photographs: its 33 points in pixels, for services/pose/tests/it/parity.rs.

    python3 -m venv venv
    venv/bin/pip install --no-deps mediapipe==0.10.14 'numpy<2' absl-py attrs flatbuffers 'protobuf<5' opencv-contrib-python-headless matplotlib packaging cycler kiwisolver pyparsing python-dateutil contourpy fonttools six
    venv/bin/python blazepose.py ../../services/pose/tests/parity/blazepose.json ../../.cache/samples/{astronaut,basketball1}.png
"""
import json
import pathlib
import sys

import cv2
from mediapipe.python.solutions import pose

target, *pictures = map(pathlib.Path, sys.argv[1:])


def points(picture):
    """x, y, z in pixels and visibility of every point."""
    rgb = cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
    height, width = rgb.shape[:2]
    with pose.Pose(static_image_mode=True, model_complexity=1, min_detection_confidence=0.5) as network:
        landmarks = network.process(rgb).pose_landmarks.landmark
    return [[round(v, 4) for v in (p.x * width, p.y * height, p.z * width, p.visibility)] for p in landmarks]


entries = [f'"{picture.name}": [\n  ' + ",\n  ".join(map(json.dumps, points(picture))) + "]" for picture in pictures]
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text('{"reference": "mediapipe 0.10.14, model_complexity 1", "pictures": {\n ' + ",\n ".join(entries) + "\n}}\n")
