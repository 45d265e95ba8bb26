"""JSON Lines in and out: one validated record a line, errors with file and line."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from openbezoar.errors import DataError

__all__ = ["count", "read", "read_objects", "sync_folder", "write", "writing"]

Record = TypeVar("Record", bound=BaseModel)


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
        try:
            value = from_json(line, allow_inf_nan=False)
        except ValueError as error:
            raise DataError(f"{path}:{number}: not JSON ({error})") from None
        if not isinstance(value, dict):
            raise DataError(f"{path}:{number}: a line must hold one JSON object")
        yield number, value


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


def first_problem(error: ValidationError) -> str:
    """The first of pydantic's complaints as `field: message`."""
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    said = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else said


def sync_folder(folder: Path) -> None:
    """Flush a folder's directory entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (UnicodeDecodeError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}:{number + 1}: cannot be read as text ({error})") from None


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")
