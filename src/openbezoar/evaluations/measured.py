"""Tasks that were measured are kept, so that the same model is never measured on them again."""

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from openbezoar import files
from openbezoar.component import digest
from openbezoar.records import Score

__all__ = ["Measured", "find", "keep", "print_of"]


class Measured(BaseModel):
    """What came of one run of a task, and everything that it depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: JsonValue
    scores: tuple[Score, ...]
    items: tuple[dict[str, Any], ...]
    transcripts: tuple[dict[str, Any], ...]


def find(folder: Path, key: JsonValue) -> Measured | None:
    """What was kept under this very key; a file that cannot be read is as good as none."""
    try:
        found = Measured.model_validate_json(_place(folder, key).read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.key == key else None


def keep(folder: Path, measured: Measured) -> None:
    """Write it whole or not at all, whatever stops the process."""
    folder.mkdir(parents=True, exist_ok=True)
    place = _place(folder, measured.key)
    fresh = place.with_suffix(".partial")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(measured.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(place)


def print_of(folder: Path) -> JsonValue:
    """The digest of every file of a checkpoint: no weight, template or setting can differ."""
    return {file.name: files.digest(file) for file in sorted(folder.iterdir()) if file.is_file()}


def _place(folder: Path, key: JsonValue) -> Path:
    return folder / f"{digest(key)[:24]}.json"
