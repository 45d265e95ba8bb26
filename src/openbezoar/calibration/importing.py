"""Reads labels that were given elsewhere, in JSON Lines or CSV, and says what became of each."""

import csv
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from openbezoar import jsonl
from openbezoar.calibration.agreement import majority
from openbezoar.calibration.labels import Answer
from openbezoar.errors import DataError
from openbezoar.shelf import visible

__all__ = ["Imported", "imported"]

WORDS: tuple[Answer, ...] = ("accept", "reject", "skip")
ANSWERS = {spelt: word for word in WORDS for spelt in (word, word[0])}
ROW = ("row", "id")
LABEL = "label"


class Imported(NamedTuple):
    """The labels of a file: one for each row it speaks of, and what was left out."""

    file: str
    given: int
    """Labels in the file; every one of them is counted in one of the fields below."""
    answers: dict[str, Answer]
    repeated: int
    """Further labels of a row that a majority settled."""
    unknown: list[str]
    """Lines whose row the judge never saw."""
    tied: list[str]
    """Lines that contradict each other, without a majority."""
    bad: list[str]
    """Lines whose label is none."""

    def line(self) -> str:
        """The outcome in one line."""
        parts = [f"{self.file}: {len(self.answers)} of {self.given} labels taken"]
        if self.repeated:
            parts.append(f"{self.repeated} repeat a row's label or are outvoted")
        for what, lines in (
            ("left out for rows the judge never saw", self.unknown),
            ("left out because they contradict each other", self.tied),
            ("left out because they are not accept, reject or skip", self.bad),
        ):
            if lines:
                more = ", …" if len(lines) > 3 else ""
                parts.append(f"{len(lines)} {what} ({', '.join(lines[:3])}{more})")
        return visible("; ".join(parts)).replace("\n", " ")


def imported(path: Path, seen: Collection[str]) -> Imported:
    """Read a file of labels; a row given several times has its majority, and none in a tie.

    DataError when the file is no list of labels, or none of them can be used.
    """
    lines = [_Line(*line) for line in _lines(path)]
    votes: dict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        if line.answer is not None and line.row in seen:
            votes[line.row].append(line)
    settled = {
        row: majority([answer for line in cast if (answer := line.answer)])
        for row, cast in votes.items()
    }
    answers = {row: answer for row, answer in settled.items() if answer is not None}
    found = Imported(
        file=path.name,
        given=len(lines),
        answers=answers,
        repeated=sum(len(votes[row]) - 1 for row in answers),
        unknown=[f"{line}" for line in lines if line.answer is not None and line.row not in seen],
        tied=[f"{line}" for row, cast in votes.items() if row not in answers for line in cast],
        bad=[f"{line}" for line in lines if line.answer is None],
    )
    if not answers:
        raise DataError(f"no label was imported: {found.line()}")
    return found


class _Line(NamedTuple):
    number: int
    row: str
    label: str

    @property
    def answer(self) -> Answer | None:
        return ANSWERS.get(self.label.strip().lower())

    def __str__(self) -> str:
        what = self.label if self.answer is None else self.row
        return f"line {self.number}: {what[:40]!r}"


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, row and label of every label in the file."""
    lines = _csv(path) if path.suffix.lower() == ".csv" else jsonl.read_objects(path)
    for number, fields in lines:
        row = next((fields[name] for name in ROW if fields.get(name) is not None), None)
        label = fields.get(LABEL)
        if not isinstance(row, str | int) or LABEL not in fields:
            raise DataError(
                f"{path}:{number}: a label needs `row`, the id of a row, and `label`: "
                "accept, reject or skip"
            )
        yield number, str(row), label if isinstance(label, str) else str(label)


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for fields in reader:
                yield reader.line_num, fields
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error})") from None
