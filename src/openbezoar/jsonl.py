"""JSON Lines in and out: one validated record a line, errors with file and line."""

import codecs
import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from openbezoar.errors import DataError

__all__ = [
    "BadLine",
    "count",
    "first_problem",
    "read",
    "read_each",
    "read_objects",
    "sync_folder",
    "write",
    "writing",
]

Record = TypeVar("Record", bound=BaseModel)

_WORDS = {
    "missing": "is missing",
    "string_type": "is not a text",
    "string_too_short": "is empty",
    "extra_forbidden": "is unknown",
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "bool_type": "is neither true nor false",
    "dict_type": "is not an object",
    "tuple_type": "is not a list",
    "list_type": "is not a list",
    "model_type": "is not an object",
    "literal_error": "is none of {expected}",
}
"""What is wrong with a field, by pydantic's name for it."""


class BadLine(NamedTuple):
    """A line that holds no JSON object."""

    reason: str
    """One of few, to be counted."""
    text: str
    problem: str
    """What the parser says of this very line."""


def read(path: Path, record: type[Record]) -> Iterator[Record]:
    """Yield the records of a file, plain or gzipped; DataError names the file and the line."""
    for number, line in _lines(path):
        try:
            yield record.model_validate(from_json(line, allow_inf_nan=False))
        except ValidationError as error:
            raise DataError(f"{path}:{number}: {first_problem(error)}") from None
        except ValueError as error:
            raise DataError(f"{path}:{number}: not JSON ({error})") from None


def read_objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line's number and JSON object, for files whose fields are not ours."""
    for number, line in _lines(path):
        found = _object(line)
        if isinstance(found, BadLine):
            raise DataError(f"{path}:{number}: {found.reason} ({found.problem})")
        yield number, found


def read_each(path: Path) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
    """Yield each line's number and JSON object, or what is wrong with that line.

    DataError where the file itself is broken: it is not there, or its compression is damaged.
    """
    for number, line in _bytes(path):
        try:
            yield number, _object(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield number, BadLine("not UTF-8", line.decode("utf-8", "replace"), str(error))


def count(path: Path) -> int:
    """How many records a file holds, told by its lines alone."""
    return sum(1 for _ in _lines(path))


def write(path: Path, records: Iterable[BaseModel]) -> int:
    """Write the records, flushed to disk, and return how many there were."""
    count = 0
    with writing(path) as put:
        for record in records:
            put(record)
            count += 1
    return count


@contextmanager
def writing(path: Path) -> Iterator[Callable[[BaseModel], object]]:
    """Give what writes one record at a time; at the end all of them are flushed to disk."""
    with path.open("w", encoding="utf-8") as file:
        yield lambda record: file.write(record.model_dump_json() + "\n")
        file.flush()
        os.fsync(file.fileno())


def first_problem(error: ValidationError, names: Mapping[str, str] | None = None) -> str:
    """The first of pydantic's complaints in our words; `names` are what a file calls our fields."""
    problem = error.errors(include_url=False)[0]
    first, *below = [str(part) for part in problem["loc"]] or [""]
    place = ".".join([(names or {}).get(first, first), *below])
    if problem["type"] in _WORDS and place:
        return f"field {place} {_WORDS[problem['type']].format_map(problem.get('ctx', {}))}"
    said = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else said


def sync_folder(folder: Path) -> None:
    """Flush a folder's directory entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _object(line: str) -> dict[str, Any] | BadLine:
    try:
        value = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        return BadLine("not JSON", line, str(error))
    return (
        value
        if isinstance(value, dict)
        else BadLine("not a JSON object", line, "a line must hold one JSON object")
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in _bytes(path):
        try:
            yield number, line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{path}:{number}: cannot be read as text ({error})") from None


def _bytes(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, without the mark that some programs put before the first."""
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if content.strip():
                    yield number, content
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}:{number + 1}: cannot be read as text ({error})") from None


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
