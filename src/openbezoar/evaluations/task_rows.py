"""Rows as published files hold them, into the fields that lm-eval's tasks read."""

import re
from collections.abc import Callable
from typing import Any

from openbezoar.errors import DataError

__all__ = [
    "Convert", "Row", "anli", "arc", "openbookqa", "same", "sample", "truthfulqa", "wic",
    "without_id",
]  # fmt: skip

Row = dict[str, Any]
Convert = Callable[[Row], Row]


def same(row: Row) -> Row:
    """The file has the fields the task reads."""
    return row


def without_id(row: Row) -> Row:
    """All splits of a task must have the same fields."""
    return {field: value for field, value in row.items() if field != "id"}


def arc(row: Row) -> Row:
    """LLM Foundry's form of ARC, back into ARC's fields."""
    labels = "ABCDE"[: len(row["choices"])]
    return {
        "question": row["query"].removeprefix("Question: "),
        "choices": {"text": row["choices"], "label": list(labels)},
        "answerKey": labels[row["gold"]],
    }


def openbookqa(row: Row) -> Row:
    """LLM Foundry's form of OpenBookQA, back into its fields."""
    fields = arc(row)
    return {"question_stem": fields.pop("question"), **fields}


def sample(row: Row) -> Row:
    """Our own multiple-choice rows in ARC's fields."""
    return arc({"query": row["question"], "choices": row["choices"], "gold": row["answer"]})


def anli(row: Row) -> Row:
    """The annotation files' names and letters, into the data set's."""
    label = {"e": 0, "n": 1, "c": 2}[row["label"]]
    return {"premise": row["context"], "hypothesis": row["hypothesis"], "label": label}


def wic(row: Row) -> Row:
    """With the place of the word in the first sentence, which the file leaves out."""
    word = re.escape(row["word"])
    found = list(re.finditer(rf"\b{word}\b", row["sentence1"], re.IGNORECASE))
    found = found or list(re.finditer(rf"\b{word}\w*", row["sentence1"], re.IGNORECASE))
    if not found:
        raise DataError(f"wic: the word {row['word']!r} is not in its sentence")
    first = min(found, key=lambda match: (len(match[0]), match.start()))
    return {**row, "start1": first.start(), "end1": first.end()}


def truthfulqa(row: Row) -> Row:
    """Choices and labels in two lists in place of one table."""
    return {
        "question": row["question"],
        **{
            targets: {"choices": list(row[targets]), "labels": list(row[targets].values())}
            for targets in ("mc1_targets", "mc2_targets")
        },
    }
