"""Near duplicates planted in Dolly: how many are dropped, and how many rows like no other.

What is true is computed without MinHash: the shingles of every row as tuples of words, and all
pairs that share enough of them, by comparing all rows that have a rare shingle in common.
- Recall: of the planted rows whose Jaccard similarity to the row they were made from is at least
  the filter's threshold, those dropped. They are made from rows that are near no other row.
- False rate: of Dolly's own rows whose similarity to every other row is below the threshold, those
  dropped. (Dolly has near duplicates of its own, which a filter must drop.)
"""

import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.sifting import prepare, sift
from openbezoar import jsonl
from openbezoar.filters.near.shingles import words
from openbezoar.filters.near_duplicates import NearDuplicates

Row = dict[str, Any]
Set = frozenset[tuple[bytes, ...]]
Edit = Callable[[str, random.Random], str]

FILTER = NearDuplicates()
PLANTED = 1000
"""Rows of each kind of edit."""
LEAST_WORDS = 10
"""Fewer words leave nothing to edit that is still nearly the same."""
BUCKETS = (0.8, 0.85, 0.9, 0.95, 1.01)


def duplicates_quality(data: Path) -> dict[str, Any]:
    """The two figures, and under `duplicates` what they are made of."""
    rows = list(dolly(data))
    sets = [shingles_of(row) for row in rows]
    related = {place for pair in near_pairs(sets) for place in pair}
    planted = list(plant([rows[place] for place in range(len(rows)) if place not in related]))
    with tempfile.TemporaryDirectory() as name:
        prepare([*rows, *planted], Path(name))
        settings = json.dumps(FILTER.model_dump(mode="json"))
        artifact = sift(f"[{settings}]", Path(name))
        lines = jsonl.read_objects(artifact.folder / "rejected.jsonl")
        dropped = {line["row"]["id"]: line["verdict"]["details"] for _, line in lines}
    by_id = {row["id"]: shingles_of(row) for row in (*rows, *planted)}
    wrong = sum(jaccard(by_id[id_], by_id[said["repeats"]]) < FILTER.threshold
                for id_, said in dropped.items())  # fmt: skip
    alone = [row["id"] for place, row in enumerate(rows) if place not in related]
    false = sum(id_ in dropped for id_ in alone)
    return {
        **recalls(planted, by_id, dropped),
        "duplicates_false_rate": round(false / len(alone), 5),
        "duplicates": {
            "settings": FILTER.model_dump(mode="json"),
            "rows": len(rows),
            "rows_near_another": len(related),
            "rows_dropped": sum(row["id"] in dropped for row in rows),
            "rows_near_no_other": len(alone),
            "false_drops": false,
            "verdicts_below_the_threshold": wrong,
            **breakdown(planted, by_id, dropped),
        },
    }


def dolly(data: Path) -> Iterator[Row]:
    """Dolly's rows as examples."""
    path = next((data / "dolly").glob("databricks-dolly-15k.jsonl*"))
    for number, raw in jsonl.read_objects(path):
        asked = f"{raw['instruction']}\n\n{raw['context']}".strip()
        yield {"id": f"dolly-{number}", "instruction": asked, "answer": raw["response"]}


def shingles_of(row: Row) -> Set:
    """The runs of words that the filter compares, as the words themselves."""
    found = words(f"{row['instruction']}\n{row['answer']}")
    size = min(FILTER.shingle, len(found))
    return frozenset(zip(*(found[place:] for place in range(size)), strict=False))


def jaccard(one: Set, other: Set) -> float:
    """What two sets share of all they hold."""
    return len(one & other) / len(one | other)


def near_pairs(sets: list[Set]) -> Iterator[tuple[int, int]]:
    """All pairs at or above the threshold.

    Two such sets share 0.8 n of the n shingles of either, so at least one of any other 0.2 n + 1:
    it is enough to look among the rarest.
    """
    often = Counter(shingle for held in sets for shingle in held)
    having: dict[tuple[bytes, ...], list[int]] = {}
    for place, held in enumerate(sets):
        rare = sorted(held, key=lambda shingle: (often[shingle], shingle))
        first = rare[: int((1 - FILTER.threshold) * len(held) + 1e-9) + 1]
        others = {other for shingle in first for other in having.get(shingle, ())}
        for other in others:
            if jaccard(held, sets[other]) >= FILTER.threshold:
                yield other, place
        for shingle in first:
            having.setdefault(shingle, []).append(place)


def plant(rows: list[Row]) -> Iterator[Row]:
    """Edited copies, the strength of the edit drawn for each."""
    stream = random.Random(4)
    long = [
        row for row in rows if len(words(row["instruction"] + " " + row["answer"])) >= LEAST_WORDS
    ]
    for name, edit in EDITS.items():
        for number, row in enumerate(stream.sample(long, PLANTED)):
            yield {
                "id": f"{name}-{number}",
                "instruction": edit(row["instruction"], stream),
                "answer": edit(row["answer"], stream),
                "made_from": row["id"],
                "edit": name,
            }


def swapped(text: str, stream: random.Random) -> str:
    """Some words replaced by others of the text, some exchanged with their neighbours."""
    found = text.split()
    for _ in range(stream.randint(1, max(1, len(found) // 20))):
        place = stream.randrange(len(found)) if found else 0
        if stream.random() < 0.5 and place + 1 < len(found):
            found[place : place + 2] = found[place + 1], found[place]
        elif found:
            found[place] = stream.choice(found)
    return " ".join(found)


def reordered(text: str, stream: random.Random) -> str:
    """The sentences in another order."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    stream.shuffle(sentences)
    return " ".join(sentences)


def restyled(text: str, stream: random.Random) -> str:
    """Case and punctuation changed, here and there or everywhere."""
    often = stream.random()
    styles: list[Callable[[str], str]] = [
        str.upper, str.lower, str.title, lambda word: word.rstrip(".,;:!?"),
        lambda word: word + ",", lambda word: word + "!", lambda word: f'"{word}"',
        lambda word: f"({word})", lambda word: f"\u201c{word}\u201d",
    ]  # fmt: skip
    return " ".join(
        stream.choice(styles)(word) if stream.random() < often else word for word in text.split()
    )


def all_of_it(text: str, stream: random.Random) -> str:
    """Every edit, one upon the other."""
    return restyled(reordered(swapped(text, stream), stream), stream)


EDITS: dict[str, Edit] = {
    "swapped": swapped,
    "reordered": reordered,
    "restyled": restyled,
    "all": all_of_it,
}


def recalls(planted: list[Row], sets: dict[str, Set], dropped: dict[str, Any]) -> dict[str, Any]:
    """The recall over all planted rows that are near enough."""
    near = [row for row in planted if similarity(row, sets) >= FILTER.threshold]
    return {"duplicates_recall": share(near, dropped)}


def breakdown(planted: list[Row], sets: dict[str, Set], dropped: dict[str, Any]) -> dict[str, Any]:
    """The same recall for each edit and each range of similarity, and how many rows it rests on."""
    near = [row for row in planted if similarity(row, sets) >= FILTER.threshold]
    edits = {name: [row for row in near if row["edit"] == name] for name in EDITS}
    ranges = {
        f"{low}-{min(high, 1.0)}": [row for row in near if low <= similarity(row, sets) < high]
        for low, high in pairwise(BUCKETS)
    }
    return {
        "planted": len(planted),
        "planted_near": len(near),
        "recall_by_edit": {name: [share(held, dropped), len(held)] for name, held in edits.items()},
        "recall_by_similarity": {
            name: [share(held, dropped), len(held)] for name, held in ranges.items()
        },
    }


def similarity(row: Row, sets: dict[str, Set]) -> float:
    """Between a planted row and the one it was made from."""
    return jaccard(sets[row["id"]], sets[row["made_from"]])


def share(rows: list[Row], dropped: dict[str, Any]) -> float | None:
    """Of the rows, those dropped."""
    return round(sum(row["id"] in dropped for row in rows) / len(rows), 4) if rows else None
