"""What an evaluation notes beside its scores: JSON objects appended to a file, one a line."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["ITEMS", "TRANSCRIPTS", "append", "line"]

ITEMS = "items.jsonl"
"""One record for every row that was measured."""
TRANSCRIPTS = "transcripts.jsonl"
"""What was asked and answered, word for word."""


def append(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Add the records; the evaluations of one stage share the file."""
    with path.open("a", encoding="utf-8") as file:
        for record in records:
            file.write(line(record) + "\n")


def line(record: Mapping[str, Any]) -> str:
    """A record as JSON, with the numbers and texts behind what is neither."""
    return json.dumps(record, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """The Python number, list or text behind a value of numpy, torch or lm-eval."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
