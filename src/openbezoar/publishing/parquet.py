"""Rows as Parquet files that `datasets.load_dataset` reads, written a batch at a time."""

import importlib.util
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from openbezoar.errors import MissingExtra
from openbezoar.publishing.fields import form_of

__all__ = ["SUFFIX", "check_ready", "column_names", "write_split"]

SUFFIX = ".parquet"
BATCH_ROWS = 2_000
"""The rows that are held in memory."""
SHARD_BYTES = 400_000_000
"""A file that is this long gets no further rows."""


def check_ready() -> None:
    """Raise MissingExtra when Parquet cannot be written here."""
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingExtra("publishing rows needs pyarrow; pip install 'openbezoar[publish]'")


def write_split(
    rows: Iterable[dict[str, Any]], folder: Path, split: str, shard_bytes: int = SHARD_BYTES
) -> list[Path]:
    """Write rows that share their columns as `SPLIT-00000-of-0000N.parquet`; the files.

    Equal rows give equal bytes, so that an upload that was cut off goes on where it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    batches = _batches(rows)
    shards: list[Path] = []
    for first in batches:
        path = folder / f"{split}-{len(shards)}.partial"
        _write_shard(chain([first], batches), path, shard_bytes)
        shards.append(path)
    named = [folder / f"{split}-{n:05}-of-{len(shards):05}{SUFFIX}" for n in range(len(shards))]
    return [path.rename(name) for path, name in zip(shards, named, strict=True)]


def column_names(path: Path) -> list[str]:
    """The columns of a file."""
    from pyarrow.parquet import read_schema

    names: list[str] = read_schema(path).names
    return names


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH_ROWS)):
        yield batch


def _write_shard(batches: Iterator[list[dict[str, Any]]], path: Path, shard_bytes: int) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    first = next(batches)
    schema = pa.schema([(name, _type(name)) for name in first[0]])
    with (
        path.open("wb") as file,
        # Chunks that end where the content says so are not sent again after rows were added.
        ParquetWriter(
            file, schema, compression="zstd", use_content_defined_chunking=True
        ) as writer,
    ):
        for batch in chain([first], batches):
            writer.write_table(pa.Table.from_pylist(batch, schema))
            if file.tell() >= shard_bytes:
                return


def _type(name: str) -> Any:
    import pyarrow as pa

    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    return {
        "text": pa.string(),
        "integer": pa.int64(),
        "real": pa.float64(),
        "texts": pa.list_(pa.string()),
        "turns": pa.list_(turn),
    }[form_of(name)]
