"""The rows of a stage that an evaluation measures on."""

from collections.abc import Sequence
from typing import TypeVar

from openbezoar.errors import ConfigError
from openbezoar.records import Example, Preference
from openbezoar.store import Artifact

__all__ = ["held_out", "spread"]

FILES = ("valid.jsonl", "examples.jsonl", "rows.jsonl")
"""Where a stage keeps its rows; the first that exists is read."""

AnyRow = TypeVar("AnyRow")


def held_out(name: str, artifact: Artifact, limit: int | None) -> list[Example | Preference]:
    """The validation rows of a data set, or all rows of another stage; at most `limit`, spread."""
    makes = artifact.manifest.makes
    found = next((file for file in FILES if (artifact.folder / file).exists()), None)
    if found is None:
        raise ConfigError(f"data {name!r} holds {makes}; name a stage that holds rows with answers")
    if makes.startswith("preferences"):
        return list(spread(list(artifact.rows(Preference, found)), limit))
    if makes.startswith("examples"):
        return list(spread(list(artifact.rows(Example, found)), limit))
    raise ConfigError(f"data {name!r} holds {makes}, which have no answers to measure on")


def spread(rows: Sequence[AnyRow], limit: int | None) -> list[AnyRow]:
    """All rows, or `limit` of them evenly spread, so that no part of an ordered file is missed."""
    if limit is None or limit >= len(rows):
        return list(rows)
    return [rows[place * len(rows) // limit] for place in range(limit)]
