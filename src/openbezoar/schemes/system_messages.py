"""Orca's sixteen system messages, and which of them suit a row of FLAN."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import TypeAdapter

from openbezoar import catalog, prompts
from openbezoar.errors import DataError

__all__ = ["Wording", "is_multiple_choice", "message_ids", "parse_messages", "system_messages"]

Wording = Literal["ours", "original"]

IDS: dict[str, tuple[int, ...]] = {
    "cot": (6, 11, 16),
    "niv2": (1, 2, 5, 7, 9, 12, 13, 14, 15),
    "t0": (1, 2, 3, 5, 7),
    "flan2021": (3, 4, 7),
}
MULTIPLE_CHOICE = (8, 10)
COUNT = 16


@cache
def system_messages(wording: Wording) -> dict[int, str]:
    """The messages by id: our own words, or the original strings from the data folder."""
    if wording == "ours":
        path = Path(prompts.__file__).parent / "orca_system_messages.yaml"
        messages: dict[int, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return messages
    path = catalog.find("orca", "system_messages.json")
    return parse_messages(path.read_text(encoding="utf-8"))


def parse_messages(text: str) -> dict[int, str]:
    """The messages of a JSON file: a list of sixteen, or an object with their ids as keys."""
    try:
        value = json.loads(text)
        if isinstance(value, list):
            value = dict(enumerate(value, start=1))
        messages = TypeAdapter(dict[int, str]).validate_python(value)
    except ValueError:
        messages = {}
    if set(messages) != set(range(1, COUNT + 1)):
        raise DataError(
            f"orca/system_messages.json: expected a list of {COUNT} strings, "
            f"or an object with the keys 1 to {COUNT}"
        )
    return messages


def message_ids(sub_collection: str, inputs: str) -> tuple[int, ...]:
    """The ids to choose from, uniformly; DataError for a sub-collection that Orca does not have."""
    if sub_collection not in IDS:
        raise DataError(
            f"orca knows no sub-collection {sub_collection!r}; use seeds of FLAN: {', '.join(IDS)}"
        )
    if sub_collection == "flan2021" and is_multiple_choice(inputs):
        return MULTIPLE_CHOICE
    return IDS[sub_collection]


def is_multiple_choice(inputs: str) -> bool:
    """Whether the text offers choices: a block under a heading, or lettered ones from A on."""
    if _BLOCK.search(inputs):
        return True
    return any(
        [found.upper() for found in pattern.findall(inputs)][:2] == ["A", "B"]
        for pattern in _LETTERED
    )


_BLOCK = re.compile(
    r"^[ \t]*(?:options|choices|possible answers|answer choices|choose from)\b[^\n]{0,30}\n"
    r"(?:[ \t]*\n)?[ \t]*(?:[-*•]|\(?[A-Za-z0-9][.):])[ \t]*\S[^\n]*\n+"
    r"[ \t]*(?:[-*•]|\(?[A-Za-z0-9][.):])[ \t]*\S",
    re.IGNORECASE | re.MULTILINE,
)
_LETTERED = (
    re.compile(r"\(([A-Za-z])\)[ \t]*\S"),
    re.compile(r"^[ \t]*([A-Za-z])[.):][ \t]+\S", re.MULTILINE),
)
