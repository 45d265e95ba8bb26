"""What refusals, residue and language drop of Dolly, and how many planted traces residue finds.

People wrote Dolly's rows, so what is dropped of them is nearly all a mistake; each is printed. The
planted traces are what small models leave: a sentence or a few words said again and again at the
end of a sound answer, and twelve words of a prompt of ours in the middle of one.
"""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.quality.duplicates import dolly
from benchmarks.sifting import prepare, sift
from openbezoar import jsonl, prompts
from openbezoar.filters.texts import turns_of
from openbezoar.records import Example

Row = dict[str, Any]
Plant = Callable[[str, random.Random], str]

FILTERS = {
    "length": "[{kind: length}]",
    "refusals": "[{kind: refusals}]",
    "residue": "[{kind: residue}]",
    "duplicates": "[{kind: duplicates}]",
    "language": "[{kind: language, languages: [en]}]",
}
EACH = 500
"""Answers of at least `SOUND` words in which each kind of trace is planted."""
SOUND = 30


def plain_quality(data: Path) -> dict[str, Any]:
    """Shares, recalls and microseconds a row; under `plain` the rows dropped, with reasons."""
    rows = list(dolly(data))
    found: dict[str, Any] = {"plain": {}}
    with tempfile.TemporaryDirectory() as name:
        artifact = prepare(rows, Path(name))
        bare = reading(Path(artifact.folder) / "rows.jsonl")
        for kind, filters in FILTERS.items():
            made = sift(filters, Path(name))
            dropped = [line for _, line in jsonl.read_objects(made.folder / "rejected.jsonl")]
            seconds = float(str(made.manifest.run["seconds"]))
            found[f"{kind}_microseconds"] = round(1e6 * seconds / len(rows) - bare, 1)
            if kind not in ("length", "duplicates"):
                found[f"{kind}_dropped_rate"] = round(len(dropped) / len(rows), 5)
                found["plain"][kind] = [brief(line) for line in dropped]
    return found | recalls(rows)


def reading(path: Path) -> float:
    """Microseconds that a row takes to be read and written, whatever the filters."""
    begun = time.perf_counter()
    count = 0
    with jsonl.writing(path.with_suffix(".copy")) as put:
        for row in jsonl.read(path, Example):
            put(row)
            count += 1
    return 1e6 * (time.perf_counter() - begun) / count


def recalls(rows: list[Row]) -> dict[str, Any]:
    """Of the answers in which a trace was planted, the share that residue drops."""
    sound = [row for row in rows if len(row["answer"].split()) >= SOUND]
    stream = random.Random(1)
    planted = [
        {**row, "id": f"{kind}-{place}", "answer": plant(row["answer"], stream)}
        for kind, plant in PLANTS.items()
        for place, row in enumerate(stream.sample(sound, EACH))
    ]
    with tempfile.TemporaryDirectory() as name:
        prepare(planted, Path(name))
        made = sift("[{kind: residue}]", Path(name))
        lines = jsonl.read_objects(made.folder / "rejected.jsonl")
        dropped = [line["row"]["id"].split("-")[0] for _, line in lines]
    return {f"residue_{kind}_recall": dropped.count(kind) / EACH for kind in PLANTS}


def sentences(answer: str, stream: random.Random) -> str:
    """The last sentence again and again, for at least 40 words."""
    last = answer.rstrip().replace("\n", ". ").split(". ")[-1].split() or ["so"]
    return answer + " " + " ".join(last * (1 + 40 // len(last)))


def words(answer: str, stream: random.Random) -> str:
    """One to eight words again and again, for at least 40 words."""
    some = answer.split()[-stream.randint(1, 8) :]
    return answer + " " + " ".join(some * (1 + 40 // len(some)))


def prompt(answer: str, stream: random.Random) -> str:
    """Twelve words of a prompt in the middle."""
    passages = [text.split() for name in prompts.names() for text in prompts.passages(name)]
    passage = stream.choice([found for found in passages if len(found) >= 12])
    start = stream.randrange(len(passage) - 11)
    middle = answer.split()
    middle[SOUND // 2 : SOUND // 2] = passage[start : start + 12]
    return " ".join(middle)


PLANTS: dict[str, Plant] = {"sentences": sentences, "words": words, "prompt": prompt}


def brief(line: dict[str, Any]) -> dict[str, Any]:
    """A dropped row in a line."""
    verdict = line["verdict"]
    which = "instruction" if verdict["reason"].startswith("instruction") else "answer"
    text = next(
        turn.text for turn in turns_of(Example.model_validate(line["row"])) if turn.which == which
    )
    return {"reason": verdict["reason"], **verdict["details"], "text": text[:120]}
