"""Tables by pandas and Arrow: CSV and Parquet say the same."""

import sys
from pathlib import Path

import pandas
import pyarrow.parquet
from truth import FOLDER, IMAGES, PERSONS, near

table = pyarrow.parquet.read_table(FOLDER / "objects.parquet").to_pandas()
text = pandas.read_csv(Path(sys.argv[3]) / "objects.csv")
assert list(table.columns) == list(text.columns)
assert len(table) == len(text) == sum(max(len(image["persons"]), 1) for image in IMAGES)
found = table.dropna(subset=["label"])
assert len(found) == len(PERSONS)
expected = sorted(person["box"] for person in PERSONS)
for frame in (table, text):
    boxes = sorted(frame.dropna(subset=["label"])[["x0", "y0", "x1", "y1"]].values.tolist())
    assert all(near(a, b) for a, b in zip(boxes, expected))
assert table["nose_flag"].dropna().astype(int).tolist() == text["nose_flag"].dropna().astype(int).tolist() == [2] * len(PERSONS)
assert sorted(set(table["name"].dropna())) == ["Ada"]
assert found["mask_counts"].isna().sum() == sum(not person["mask"] for person in PERSONS)
