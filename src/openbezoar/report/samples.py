"""A few rows of a stage for people to read, found without reading the whole file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from openbezoar.records import ROWS, Example, Failure, Preference, Rejected, Row, Seed, Verdict
from openbezoar.report.contents import Contents, Made

__all__ = ["Samples", "Shown", "samples"]

Record = TypeVar("Record", bound=BaseModel)

KEPT, LOST, PLACES = 12, 12, 96
"""How many kept and how many lost rows are shown; among how many places the lost are looked for."""
LONGEST = 1200
"""Characters of one text that are shown."""
LONGEST_ROW = 6000
"""Characters of one row after which no further text of it is shown."""
LARGE = 1 << 20
"""Bytes beyond which a file is not read whole."""


class Shown(NamedTuple):
    """One row as it is shown."""

    id: str
    verdict: str
    texts: list[tuple[str, str]]
    """What is shown, by role or field."""
    cause: str = ""
    """What a lost row was lost for, without the grade of this very row."""


class Samples(NamedTuple):
    """Rows of one stage."""

    stage: str
    kind: str
    offensive: bool
    """Whether the rows are people's preferences, among which are answers meant to be harmful."""
    kept: list[Shown]
    lost: list[Shown]


def samples(contents: Contents) -> list[Samples]:
    """Rows of every stage that reads, makes or filters rows."""
    return [
        _of_stage(made) for made in contents.latest if made.kind in ("source", "generate", "filter")
    ]


def _of_stage(made: Made) -> Samples:
    folder, makes = made.artifact.folder, made.artifact.manifest.makes
    record = ROWS.get(makes, Row)
    kept = [_kept(line, record) for line in _lines(folder / "rows.jsonl", KEPT)]
    rejected = [_rejected(line, record) for line in _lines(folder / "rejected.jsonl", PLACES)]
    failed = [_failed(line) for line in _lines(folder / "failed.jsonl", PLACES)]
    return Samples(made.name, made.kind, makes == "preferences", kept, _varied(rejected + failed))


def _lines(path: Path, count: int) -> list[bytes]:
    """At most `count` different lines, spread over the file; a large file is not read whole."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size > LARGE:
                return list(_at_places(file, size, count))
            lines = [line for line in file if line.strip()]
    except FileNotFoundError:
        return []
    step = max(len(lines) / count, 1)
    return [lines[int(place * step)] for place in range(min(count, len(lines)))]


def _at_places(file: BinaryIO, size: int, count: int) -> Iterator[bytes]:
    """The first lines that begin at or after places evenly spread over the bytes."""
    seen = -1
    for place in range(count):
        file.seek(max(size * place // count - 1, 0))
        if place:
            file.readline()
        start, line = file.tell(), file.readline()
        if start > seen and line.strip():
            seen = start
            yield line


def _varied(rows: list[Shown]) -> list[Shown]:
    """Some of the rows, each cause once before any comes twice."""
    firsts: dict[str, Shown] = {}
    for row in rows:
        firsts.setdefault(row.cause, row)
    others = [row for row in rows if firsts[row.cause] is not row]
    return [*firsts.values(), *others][:LOST]


def _kept(line: bytes, record: type[Row]) -> Shown:
    row = _read(line, record)
    if isinstance(row, Shown):
        return row
    verdicts = row.verdicts if isinstance(row, Example) else ()
    return Shown(_cut(row.id), "; ".join(map(_words, verdicts)), _texts(row))


def _rejected(line: bytes, record: type[Row]) -> Shown:
    rejected = _read(line, Rejected)
    if isinstance(rejected, Shown):
        return rejected
    verdict = rejected.verdict
    try:
        texts = _texts(record.model_validate(rejected.row))
    except ValidationError:
        # A source rejects rows in their own form, not in ours.
        texts = [(_cut(name), _cut(str(value))) for name, value in rejected.row.items()]
    id_ = _cut(str(rejected.row.get("id", "")))
    return Shown(id_, _words(verdict), texts, f"{verdict.filter}: {verdict.reason}")


def _failed(line: bytes) -> Shown:
    failure = _read(line, Failure)
    if isinstance(failure, Shown):
        return failure
    detail = [("detail", _cut(failure.detail))] if failure.detail else []
    return Shown(_cut(failure.id), f"failed: {failure.reason}", detail, failure.reason)


def _read(line: bytes, record: type[Record]) -> Record | Shown:
    try:
        return record.model_validate_json(line)
    except ValidationError:
        return Shown("", "this row cannot be read", [], "unreadable")


def _texts(row: Row) -> list[tuple[str, str]]:
    texts: list[tuple[str, str]] = []
    if isinstance(row, Example):
        texts = [(turn.role, turn.content) for turn in row.messages] + [
            ("target", row.target or "")
        ]
    elif isinstance(row, Preference):
        texts = [(turn.role, turn.content) for turn in row.prompt]
        texts += [("chosen", row.chosen), ("rejected", row.rejected)]
    elif isinstance(row, Seed):
        texts = [
            ("instruction", row.instruction),
            ("context", row.context),
            ("target", row.target or ""),
        ]
    return list(_within(LONGEST_ROW, [(name, _cut(text)) for name, text in texts if text]))


def _within(most: int, texts: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The texts until so many characters are shown, then how many texts are missing."""
    for place, (name, text) in enumerate(texts):
        if most <= 0:
            yield "…", f"({len(texts) - place:,} more texts)"
            return
        yield name, text
        most -= len(text)


def _words(verdict: Verdict) -> str:
    decision = "kept" if verdict.keep else "rejected"
    words = f"{verdict.filter}: {decision}" + (f" ({verdict.reason})" if verdict.reason else "")
    words += "".join(f", {name} {_cut(str(value))}" for name, value in verdict.details.items())
    if verdict.grade is None:
        return words
    rating = "" if verdict.grade.rating is None else f", rating {verdict.grade.rating:g}"
    reason = f", {verdict.grade.reason}" if verdict.grade.reason else ""
    return f"{words}{rating}{reason}"


def _cut(text: str) -> str:
    """At most so many characters of a text, and how many are missing."""
    left = len(text) - LONGEST
    return text if left <= 0 else f"{text[:LONGEST]}… ({left:,} more characters)"
