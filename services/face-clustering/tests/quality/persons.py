"""How well identities agree with who is in files of one person each: pairwise precision and recall over all faces, and false identities.

    persons.py PERSONS.tsv OUT

OUT is what `framefleet run FOLDER --stages face-clustering` wrote. Counted is the best face of a frame.
"""
import collections
import json
import pathlib
import sys


def pairs(counts):
    return sum(count * (count - 1) // 2 for count in counts.values())


def main(labels, out):
    rows = (line.rstrip("\n").split("\t") for line in open(labels) if "\t" in line)
    who = {name: person for name, person in rows}
    cells, of_nobody, faces, empty = [], set(), 0, collections.Counter()
    for line in open(pathlib.Path(out) / "records" / "face-clustering.jsonl"):
        record = json.loads(line)
        name = pathlib.PurePath(record.get("file") or record["item"]).name
        person, found = who.get(name, "?"), record.get("face", [])
        if person in "-?":
            of_nobody |= {face["identity"] for face in found if face.get("identity") is not None and person == "-"}
        elif found:
            best = max(found, key=lambda face: face["score"])
            cells.append((person, best.get("identity") if best.get("identity") is not None else f"none {len(cells)}"))
        else:
            empty[name] += 1
    shared = pairs(collections.Counter(cells))
    precision = shared / max(1, pairs(collections.Counter(identity for _, identity in cells)))
    recall = shared / max(1, pairs(collections.Counter(person for person, _ in cells)))
    alone = sum(isinstance(identity, str) for _, identity in cells)
    found = {identity for _, identity in cells if not isinstance(identity, str)}
    print(f"{len(cells)} faces of {len({person for person, _ in cells})} persons: precision {precision:.4f}, recall {recall:.4f}, "
          f"{alone} without identity, {sum(empty.values())} frames without a face; {len(found)} identities, {len(of_nobody - found)} of nobody")


main(*sys.argv[1:])
