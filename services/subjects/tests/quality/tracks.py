"""How well persons are followed: IDF1, HOTA, MOTA and identity switches of a MOTChallenge file against boxes marked by hand.

    tracks.py LABELS.json GT.txt [IOU]

GT.txt is what `framefleet export OUT --to mot` writes of the film that the labels are of. Needs motmetrics (`make readers`).
"""
import json
import sys

import motmetrics
import numpy
from scipy.optimize import linear_sum_assignment

HOTA_ALPHAS = numpy.arange(0.05, 1.0, 0.05)


def marked(path):
    """(frame from 1, person, x, y, width, height) of every frame of the labels; boxes between marked frames are interpolated."""
    labels = json.load(open(path))
    first, end = labels["frames"]
    rows = []
    for person in labels["persons"]:
        frames = sorted(int(frame) for frame in person["boxes"])
        boxes = numpy.array([person["boxes"][str(frame)] for frame in frames], float)
        for frame in range(max(first, frames[0]), min(end, frames[-1] + 1)):
            x0, y0, x1, y1 = (numpy.interp(frame, frames, boxes[:, side]) for side in range(4))
            rows.append((frame + 1, person["person"], x0, y0, x1 - x0, y1 - y0))
    return labels, rows


def found(path, last):
    """The same of a MOTChallenge file, up to a frame."""
    for line in open(path):
        frame, track, x, y, width, height = (float(field) for field in line.split(",")[:6])
        if frame <= last:
            yield int(frame), int(track), x, y, width, height


def by_frame(rows):
    frames = {}
    for row in rows:
        frames.setdefault(row[0], []).append(row[1:])
    return frames


def overlaps(truth, tracks):
    """IoU of all pairs of boxes."""
    a, b = (numpy.array([row[1:] for row in rows], float).reshape(-1, 4) for rows in (truth, tracks))
    low = numpy.maximum(a[:, None, :2], b[None, :, :2])
    high = numpy.minimum((a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None])
    shared = numpy.clip(high - low, 0, None).prod(2)
    both = a[:, 2:].prod(1)[:, None] + b[:, 2:].prod(1)[None] - shared
    return numpy.divide(shared, both, out=numpy.zeros_like(shared), where=both > 0)


def hota(truth, tracks, last):
    """HOTA (Luiten et al. 2021): the mean over thresholds of sqrt(DetA * AssA), with the association of the definition."""
    frames = []
    for frame in range(1, last + 1):
        a, b = truth.get(frame, []), tracks.get(frame, [])
        similarity = overlaps(a, b)
        frames.append(([row[0] for row in a], [row[0] for row in b], similarity))
    people = sorted({one for a, _, _ in frames for one in a})
    found_ids = sorted({one for _, b, _ in frames for one in b})
    place = [{one: at for at, one in enumerate(ids)} for ids in (people, found_ids)]
    shared = numpy.zeros((len(people), len(found_ids)))
    counts = [numpy.zeros(len(people)), numpy.zeros(len(found_ids))]
    for a, b, similarity in frames:
        rows, columns = [place[0][one] for one in a], [place[1][one] for one in b]
        counts[0][rows] += 1
        counts[1][columns] += 1
        if a and b:
            share = similarity.sum(0)[None, :] + similarity.sum(1)[:, None] - similarity
            shared[numpy.ix_(rows, columns)] += numpy.divide(similarity, share, out=numpy.zeros_like(similarity), where=share > 0)
    alignment = shared / numpy.maximum(1, counts[0][:, None] + counts[1][None, :] - shared)
    values = []
    for alpha in HOTA_ALPHAS:
        matches = numpy.zeros_like(shared)
        for a, b, similarity in frames:
            if not a or not b:
                continue
            rows, columns = [place[0][one] for one in a], [place[1][one] for one in b]
            score = alignment[numpy.ix_(rows, columns)] * similarity
            score[similarity < alpha] = 0
            for row, column in zip(*linear_sum_assignment(-score)):
                if similarity[row, column] >= alpha:
                    matches[rows[row], columns[column]] += 1
        hits = matches.sum()
        total = counts[0].sum() + counts[1].sum() - hits
        of_pair = matches / numpy.maximum(1, counts[0][:, None] + counts[1][None, :] - matches)
        association = (matches * of_pair).sum() / max(1, hits)
        values.append(numpy.sqrt(hits / max(1, total) * association))
    return float(numpy.mean(values))


def main():
    iou = float(sys.argv[3]) if len(sys.argv) > 3 else 0.5
    labels, rows = marked(sys.argv[1])
    last = labels["frames"][1]
    truth, tracks = by_frame(rows), by_frame(found(sys.argv[2], last))
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for frame in range(1, last + 1):
        a, b = truth.get(frame, []), tracks.get(frame, [])
        similarity = overlaps(a, b)
        distances = numpy.where(similarity >= iou, 1 - similarity, numpy.nan)
        accumulator.update([row[0] for row in a], [row[0] for row in b], distances)
    names = ["idf1", "idp", "idr", "mota", "num_switches", "recall", "precision"]
    summary = motmetrics.metrics.create().compute(accumulator, metrics=names).iloc[0]
    values = {name: round(float(summary[name]), 3) for name in names}
    print(json.dumps({"hota": round(hota(truth, tracks, last), 3), **values}))


if __name__ == "__main__":
    main()
