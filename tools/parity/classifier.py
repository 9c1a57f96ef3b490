"""Makes the parity fixture of shared/classifier: scikit-learn's LogisticRegression on small sets, and its scores."""
import argparse
import json
import pathlib

import numpy
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss

# Examples per class, dimensions, spread around the class's direction, C.
CASES = [
    {"sizes": [10, 10, 10, 10], "dimensions": 6, "spread": 1.2, "c": 1.0},
    {"sizes": [25, 6, 3], "dimensions": 5, "spread": 0.9, "c": 100.0},
    {"sizes": [14, 9], "dimensions": 4, "spread": 1.4, "c": 10.0},
    {"sizes": [8, 8, 8], "dimensions": 12, "spread": 1.8, "c": 0.05},
]


def vectors(sizes, directions, spread, generator):
    """Unit vectors around directions, rounded so that text keeps them, and their labels."""
    rows, labels = [], []
    for label, (size, direction) in enumerate(zip(sizes, directions)):
        rows.append(direction + spread / len(direction) ** 0.5 * generator.normal(size=(size, len(direction))))
        labels += [label] * size
    rows = numpy.concatenate(rows)
    return numpy.round(rows / numpy.linalg.norm(rows, axis=1, keepdims=True), 4), numpy.array(labels)


def log_softmax(scores):
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - numpy.log(numpy.exp(scores).sum(axis=1, keepdims=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    generator = numpy.random.default_rng(18)
    cases = []
    for case in CASES:
        directions = generator.normal(size=(len(case["sizes"]), case["dimensions"]))
        directions /= numpy.linalg.norm(directions, axis=1, keepdims=True)
        trained, labels = vectors(case["sizes"], directions, case["spread"], generator)
        tested, truth = vectors([12] * len(directions), directions, case["spread"], generator)
        # 32 bits are what the vectors have in our code.
        trained, tested = trained.astype(numpy.float32).astype(float), tested.astype(numpy.float32).astype(float)
        model = LogisticRegression(C=case["c"], tol=1e-10, max_iter=100_000).fit(trained, labels)
        probabilities = model.predict_proba(tested)
        logs = numpy.log(probabilities)
        loss = lambda log_t: log_loss(truth, numpy.exp(log_softmax(logs / numpy.exp(log_t))))
        temperature = minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10}).x
        found = probabilities.argmax(axis=1)
        cases.append({
            "c": case["c"],
            "trained": numpy.round(trained, 4).tolist(),
            "labels": labels.tolist(),
            "tested": numpy.round(tested, 4).tolist(),
            "truth": truth.tolist(),
            "coefficients": numpy.round(model.coef_, 7).tolist(),
            "intercepts": numpy.round(model.intercept_, 7).tolist(),
            "probabilities": numpy.round(probabilities, 7).tolist(),
            "accuracy": accuracy_score(truth, found),
            "macro_f1": f1_score(truth, found, average="macro"),
            "temperature": numpy.exp(temperature),
        })
    (out / "classifier.json").write_text(json.dumps(cases, separators=(",", ":")).replace("},{", "},\n{") + "\n")


main()
