"""Finds rows in the files of a store by their ids, and parses only what it finds."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from heapq import nsmallest
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

__all__ = ["find", "nearest", "with_name_in"]


def find(path: Path, names: Sequence[str], opening: bytes = b'{"id":') -> Iterator[dict[str, Any]]:
    """The lines that hold these rows; only they are parsed, and none after the last of them.

    Quotes inside a text are escaped, so that no text can pass for the opening of a row.
    """
    wanted = [opening + to_json(name) + b"," for name in names]
    for line in _lines(path) if wanted else ():
        for opened in wanted:
            if opened in line and _id_of(row := from_json(line)) in names:
                wanted.remove(opened)
                yield row
                break
        if not wanted:
            return


def with_name_in(path: Path, field: str, name: str) -> Iterator[dict[str, Any]]:
    """The lines in which the list of this field holds the name."""
    needle = to_json(name)
    for line in _lines(path):
        if needle in line and name in (row := from_json(line))[field]:
            yield row


def nearest(name: str, paths: Iterable[Path]) -> list[str]:
    """The ids in these files that are most like the name, the likest first."""
    known = {found for path in paths for found in _names(path)}
    # The full comparison takes a second for every 50,000 ids, so only the likeliest get it.
    likely = nsmallest(500, known, key=lambda other: -_shared(name, other))
    return get_close_matches(name, likely, n=3, cutoff=0.5)


def _id_of(row: dict[str, Any]) -> object:
    """A row's id, or that of the row that was rejected."""
    return row.get("row", row).get("id") if "verdict" in row else row["id"]


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from file


def _names(path: Path) -> Iterator[str]:
    for line in _lines(path):
        yield str(from_json(line[len(b'{"id":') : line.find(b',"parents":')]))


def _shared(first: str, second: str) -> int:
    """How many letters two ids have in common from the start and from the end."""
    ways = ((first, second), (first[::-1], second[::-1]))
    return sum(
        sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*way, strict=False)))
        for way in ways
    )
