"""Benchmark items planted in Dolly: how many are found, and how many clean rows are flagged.

All sets of the folder `lm_eval` are looked for, and an equal number of items of each is planted:
- verbatim: a row that asks the item, choices and all, and gives its answer;
- embedded: the item and its answer between two sentences of a Dolly answer;
- edited: the verbatim row with a tenth of its words, at least one of the item's, dropped, replaced
  by a word of Dolly's or exchanged with the next one;
- question: the item without its answer and choices, which is not among the figures asked for.
A planted item counts as found when the verdict on its row names it. Dolly's answers and contexts
share passages with Wikipedia, and so with some benchmarks: whether a flagged row is a mistake is
for a person to say, so each of them is shown.
"""

import json
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.quality.duplicates import dolly
from benchmarks.sifting import prepare, sift
from openbezoar import jsonl
from openbezoar.evaluations.harness import Harness
from openbezoar.evaluations.task_files import TASKS
from openbezoar.families import Item
from openbezoar.filters.contamination import Contamination

Row = dict[str, Any]

TASK_NAMES = (*TASKS, "mmlu")
PER_SET = 150
"""Items of each set that are planted, fewer where it has fewer."""
EDITED_SHARE = 0.1


def contamination_quality(data: Path) -> dict[str, Any]:
    """The four figures, and under `contamination` what they are made of."""
    os.environ["OPENBEZOAR_DATA"] = str(data)
    clean = list(dolly(data))
    with tempfile.TemporaryDirectory() as name:
        files = [str(file) for file in further_sets(data / "lm_eval", Path(name))]
        part = Contamination(benchmarks=(Harness(tasks=TASK_NAMES),), files=tuple(files))
        planted = list(plant(list(part.items(())), clean))
        prepare([*clean, *planted], Path(name))
        artifact = sift(f"[{json.dumps(part.model_dump(mode='json'))}]", Path(name))
        lines = jsonl.read_objects(artifact.folder / "rejected.jsonl")
        said = {line["row"]["id"]: line["verdict"]["details"] for _, line in lines}
        numbers: Any = artifact.numbers["contamination"]
    flagged = {row["id"]: said[row["id"]] for row in clean if row["id"] in said}
    return {
        **{f"contamination_{kind}_recall": recall(rows, said) for kind, rows in by(planted, "how")},
        "contamination_false_rate": round(len(flagged) / len(clean), 5),
        "contamination": {
            "items": {Path(set_).stem: at["items"] for set_, at in numbers["tasks"].items()},
            "not_looked_for": sum(at["unsearchable"] for at in numbers["tasks"].values()),
            "rows": len(clean),
            "planted": len(planted),
            "recall_by_set": {
                set_: {kind: recall(held, said) for kind, held in by(rows, "how")}
                for set_, rows in by(planted, "set")
            },
            "flagged_dolly_rows": flagged,
        },
    }


def further_sets(folder: Path, out: Path) -> Iterator[Path]:
    """The sets that no task of the harness is measured on here, as files of items."""
    for file, convert in FURTHER.items():
        path = out / f"{file.split('/')[-1].split('.')[0]}.further.jsonl"
        lines = [convert(row) for _, row in jsonl.read_objects(folder / file)]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        path.write_text(text, encoding="utf-8")
        yield path


def lettered(row: Row) -> Row:
    """ARC's form."""
    choices = row["choices"]
    right = choices["text"][choices["label"].index(row["answerKey"])]
    asked = row.get("question") or row["question_stem"]
    return {"question": asked, "answer": right, "choices": choices["text"]}


def numbered(row: Row) -> Row:
    """MMLU's form."""
    choices = [str(choice) for choice in row["choices"]]
    return {"question": row["question"], "answer": choices[row["answer"]], "choices": choices}


def yes_or_no(row: Row) -> Row:
    """StrategyQA's form."""
    return {"question": row["query"].removeprefix("Q: ").removesuffix("\nA:")}


def clue(row: Row) -> Row:
    """Jeopardy's form."""
    return {"question": row["context"], "answer": row["continuation"]}


FURTHER: dict[str, Callable[[Row], Row]] = {
    "arc_challenge.validation.jsonl.gz": lettered,
    "arc_easy.validation.jsonl.gz": lettered,
    "openbookqa.validation.jsonl.gz": lettered,
    "mmlu.validation.jsonl.gz": numbered,
    "llm-foundry/bigbench_strategyqa.jsonl.gz": yes_or_no,
    "llm-foundry/jeopardy.jsonl.gz": clue,
}


def plant(items: list[Item], rows: list[Row]) -> Iterator[Row]:
    """Some items of every set, each in every way."""
    stream = random.Random(4)
    sets: dict[str, list[Item]] = {}
    for item in items:
        sets.setdefault(item.benchmark, []).append(item)
    for name, held in sets.items():
        for number, item in enumerate(stream.sample(held, min(PER_SET, len(held)))):
            for how, make in WAYS.items():
                instruction, answer = make(item, stream.choice(rows), rows, stream)
                yield {
                    "id": f"{how}-{Path(name).stem}-{number}",
                    "instruction": instruction,
                    "answer": answer,
                    "how": how,
                    "set": Path(name).stem,
                    "item": [item.benchmark, item.id],
                }


def verbatim(item: Item, row: Row, rows: list[Row], stream: random.Random) -> tuple[str, str]:
    """The item as a row."""
    return "\n".join([*item.texts, *item.choices]), item.answer or row["answer"]


def embedded(item: Item, row: Row, rows: list[Row], stream: random.Random) -> tuple[str, str]:
    """The item somewhere in an answer."""
    sentences = row["answer"].split(". ")
    place = stream.randrange(len(sentences) + 1)
    told = " ".join([*item.texts, item.answer])
    return row["instruction"], ". ".join([*sentences[:place], told, *sentences[place:]])


def edited(item: Item, row: Row, rows: list[Row], stream: random.Random) -> tuple[str, str]:
    """The item as a row, some words of it changed."""
    instruction = changed("\n".join([*item.texts, *item.choices]), rows, stream)
    return instruction, changed(item.answer, rows, stream) or row["answer"]


def question(item: Item, row: Row, rows: list[Row], stream: random.Random) -> tuple[str, str]:
    """What the item asks, with another answer."""
    return "\n".join(item.texts), row["answer"]


WAYS: dict[str, Callable[[Item, Row, list[Row], random.Random], tuple[str, str]]] = {
    "verbatim": verbatim,
    "embedded": embedded,
    "edited": edited,
    "question": question,
}


def changed(text: str, rows: list[Row], stream: random.Random) -> str:
    """A tenth of the words, at least one, dropped, replaced or exchanged with the next."""
    words = text.split()
    for _ in range(max(1, round(EDITED_SHARE * len(words))) if words else 0):
        place = stream.randrange(len(words))
        kind = stream.choice(["dropped", "replaced", "exchanged"])
        if kind == "replaced":
            words[place] = stream.choice(stream.choice(rows)["answer"].split() or ["so"])
        elif kind == "exchanged" and place + 1 < len(words):
            words[place : place + 2] = words[place + 1], words[place]
        elif len(words) > 1:
            del words[place]
    return " ".join(words)


def by(rows: list[Row], field: str) -> list[tuple[str, list[Row]]]:
    """The rows by what stands in a field."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[field], []).append(row)
    return list(found.items())


def recall(rows: list[Row], said: dict[str, Any]) -> float:
    """Of the planted rows, those whose verdict names the item."""
    return round(sum(names(said.get(row["id"], {}), row["item"]) for row in rows) / len(rows), 4)


def names(details: dict[str, Any], item: list[str]) -> bool:
    """Whether a verdict names the item, first or among others."""
    first = [details.get("task"), details.get("item")]
    return first == item or ": ".join(item) in details.get("others", [])
