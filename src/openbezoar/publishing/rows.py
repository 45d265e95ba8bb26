"""The rows of an artifact as the Parquet files of a data set, looked over on their way."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from openbezoar.errors import PublishError
from openbezoar.publishing import parquet
from openbezoar.publishing.fields import Published, columns_of
from openbezoar.publishing.findings import Findings
from openbezoar.publishing.layout import File, refuse_altered
from openbezoar.publishing.upstream import judge_of
from openbezoar.records import ROWS
from openbezoar.store import Artifact, Store

__all__ = ["FOLDER", "row_files"]

FOLDER = "data"
DATA_SET = " data set"


def row_files(store: Store, artifact: Artifact, out: Path, findings: Findings) -> list[File]:
    """Write the rows below `out`; the files, in the order of the splits."""
    parquet.check_ready()
    splits = _splits(artifact)
    for name in splits.values():
        refuse_altered(artifact.folder / name, artifact)
    judge = judge_of(store, artifact)
    columns = columns_of(chain(*(_rows(artifact, name) for name in splits.values())), judge)

    def published(split: str, name: str) -> Iterator[dict[str, Any]]:
        for row in _rows(artifact, name):
            found = columns.row(row)
            findings.read(f"{split} row {row.id}", found)
            yield found

    written = [
        path
        for split, name in splits.items()
        for path in parquet.write_split(published(split, name), out / FOLDER, split)
    ]
    if not written:
        raise PublishError(f"{artifact.folder}: holds no rows, so there is nothing to publish")
    return [File(f"{FOLDER}/{path.name}", path) for path in written]


def _splits(artifact: Artifact) -> dict[str, str]:
    if artifact.manifest.makes.endswith(DATA_SET):
        return {"train": "train.jsonl", "validation": "valid.jsonl"}
    return {"train": "rows.jsonl"}


def _rows(artifact: Artifact, name: str) -> Iterator[Published]:
    record: Any = ROWS[artifact.manifest.makes.removesuffix(DATA_SET)]
    yield from artifact.rows(record, name)
