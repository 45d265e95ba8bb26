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
    """A record as JSON, with the numbers and texts behind what is neither.

    A number that is none or has no end, as a broken model gives, is null: JSON has no word for it.
    """
    try:
        return json.dumps(record, ensure_ascii=False, default=_plain, allow_nan=False)
    except ValueError:
        finite = json.loads(json.dumps(record, default=_plain), parse_constant=lambda _: None)
        return json.dumps(finite, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """The Python number, list or text behind a value of numpy, torch or lm-eval."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
