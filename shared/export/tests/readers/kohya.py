"""Folders for sd-scripts by the rules of its loader: dataset.toml names folders, every picture has a caption beside it, alpha is a mask."""

import tomllib
from pathlib import Path

import numpy as np
from PIL import Image
from truth import FOLDER, PERSONS

config = tomllib.loads((FOLDER / "dataset.toml").read_text())
extension = config["general"]["caption_extension"]
(dataset,) = config["datasets"]
assert set(dataset) <= {"resolution", "batch_size", "subsets"}
pictures, folders = 0, {}
for subset in dataset["subsets"]:
    folder = Path(subset["image_dir"])
    # Trainers without dataset.toml read repeats off the folder's name.
    repeats, name = folder.name.split("_", 1)
    assert int(repeats) == subset["num_repeats"] == 10
    folders[name] = subset["alpha_mask"]
    for path in sorted(folder.glob("*.png")):
        pictures += 1
        caption = path.with_suffix(extension).read_text()
        assert caption in ("Ada", "person", "of mine"), caption
        with Image.open(path) as picture:
            if subset["alpha_mask"]:
                alpha = np.asarray(picture)[:, :, 3]
                assert set(alpha.flat) == {0, 255}
assert pictures == len(PERSONS), pictures
assert folders == {"Ada": True, "identity 1": False}, folders
