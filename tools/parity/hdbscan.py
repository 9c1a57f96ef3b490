"""Makes the parity fixture of shared/hdbscan: what scikit-learn's HDBSCAN makes of unit vectors."""
import argparse
import json
import pathlib

import numpy
from sklearn.cluster import HDBSCAN

# Points per cluster, noise points, dimensions, spread, then the options; min_samples counts other points, as in our code.
CASES = [
    {"sizes": [20, 15, 12], "noise": 10, "dimensions": 6, "spread": 0.15, "min_cluster_size": 5, "min_samples": 4},
    {"sizes": [20, 15, 12], "noise": 10, "dimensions": 6, "spread": 0.3, "min_cluster_size": 3, "min_samples": 1},
    {"sizes": [8, 8, 8, 8, 30], "noise": 20, "dimensions": 8, "spread": 0.25, "min_cluster_size": 4, "min_samples": 2,
     "selection": "leaf"},
    {"sizes": [8, 8, 8, 8, 30], "noise": 20, "dimensions": 8, "spread": 0.25, "min_cluster_size": 4, "min_samples": 2,
     "epsilon": 0.7},
    {"sizes": [25, 25], "noise": 0, "dimensions": 4, "spread": 0.4, "min_cluster_size": 10, "min_samples": 5},
    {"sizes": [], "noise": 30, "dimensions": 5, "spread": 1.0, "min_cluster_size": 5, "min_samples": 3},
]


def points(case, generator):
    """Clusters around random directions, and random directions; all of length 1, rounded so that text keeps them."""
    rows = []
    for size in case["sizes"]:
        centre = generator.normal(size=case["dimensions"])
        centre /= numpy.linalg.norm(centre)
        rows.append(centre + case["spread"] / case["dimensions"] ** 0.5 * generator.normal(size=(size, case["dimensions"])))
    rows.append(generator.normal(size=(case["noise"], case["dimensions"])))
    rows = numpy.concatenate(rows)
    return numpy.round(rows / numpy.linalg.norm(rows, axis=1, keepdims=True), 6)


def reference(case, vectors):
    return HDBSCAN(
        min_cluster_size=case["min_cluster_size"],
        min_samples=case["min_samples"] + 1,
        cluster_selection_epsilon=case["epsilon"],
        cluster_selection_method=case["selection"],
        algorithm="brute",
        copy=True,
    ).fit(vectors)


def is_definite(case, vectors, found, generator):
    """Whether the reference's answer is the same for other orders of the points: distances that are equal leave it open."""
    for _ in range(10):
        order = generator.permutation(len(vectors))
        again = reference(case, vectors[order]).labels_
        names = {}
        for label, other in zip(found.labels_[order], again):
            if names.setdefault(label, other) != other or (label == -1) != (other == -1):
                return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    generator = numpy.random.default_rng(5)
    cases = []
    for case in CASES:
        case = {"selection": "eom", "epsilon": 0.0, **case}
        while True:
            vectors = points(case, generator)
            found = reference(case, vectors)
            if is_definite(case, vectors, found, generator):
                break
        cases.append({
            "points": vectors.tolist(),
            "min_cluster_size": case["min_cluster_size"],
            "min_samples": case["min_samples"],
            "epsilon": case["epsilon"],
            "selection": case["selection"],
            "labels": found.labels_.tolist(),
            "probabilities": numpy.round(found.probabilities_, 5).tolist(),
        })
    (out / "hdbscan.json").write_text(json.dumps(cases, separators=(",", ":")).replace("},{", "},\n{") + "\n")


main()
