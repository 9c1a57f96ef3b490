"""BlazePose as MediaPipe runs it, on a photograph: its 33 points in pixels, for services/pose/tests/parity.rs.

    python3 -m venv venv
    venv/bin/pip install --no-deps mediapipe==0.10.14 'numpy<2' absl-py attrs flatbuffers 'protobuf<5' opencv-contrib-python-headless matplotlib packaging cycler kiwisolver pyparsing python-dateutil contourpy fonttools six
    venv/bin/python blazepose.py ../../.cache/samples/astronaut.png ../../services/pose/tests/parity/blazepose.json
"""
import json
import pathlib
import sys

import cv2
from mediapipe.python.solutions import pose

picture, target = map(pathlib.Path, sys.argv[1:])
rgb = cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
height, width = rgb.shape[:2]
with pose.Pose(static_image_mode=True, model_complexity=1, min_detection_confidence=0.5) as network:
    found = network.process(rgb)
points = [[p.x * width, p.y * height, p.z * width, p.visibility] for p in found.pose_landmarks.landmark]
target.parent.mkdir(parents=True, exist_ok=True)
with target.open("w") as file:
    rows = ",\n  ".join(json.dumps([round(value, 4) for value in point]) for point in points)
    file.write(f'{{"picture": "{picture.name}", "width": {width}, "height": {height},\n "reference": "mediapipe 0.10.14, model_complexity 1",\n "points": [\n  {rows}\n]}}\n')
