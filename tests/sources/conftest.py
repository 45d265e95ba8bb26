"""Data folders for the tests of sources: the shared one, or one made up in the test."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from openbezoar.families import Source
from openbezoar.records import Row

Sorted = tuple[list[Any], list[tuple[str, dict[str, Any]]]]


@pytest.fixture
def shared(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared data folder, and nothing downloaded."""
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))
    monkeypatch.setenv("OPENBEZOAR_CACHE", "/nowhere")
    return data_folder


@pytest.fixture
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data folder, and an empty download folder, which is given."""
    monkeypatch.delenv("OPENBEZOAR_DATA", raising=False)
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[Iterable[object]], Path]:
    """Write objects as JSON Lines and give the file."""

    def write(objects: Iterable[object], name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(thing) + "\n" for thing in objects))
        return path

    return write


@pytest.fixture
def sort() -> Callable[[Source], Sorted]:
    """A source's rows, kept and rejected."""

    def sort_rows(source: Source) -> Sorted:
        found = list(source.rows())
        kept = [row for row in found if isinstance(row, Row)]
        return kept, [row for row in found if isinstance(row, tuple)]

    return sort_rows
