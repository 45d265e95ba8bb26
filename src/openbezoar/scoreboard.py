"""What an evaluate stage measured, short enough for a terminal: scores, notes, settings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from openbezoar.component import discover
from openbezoar.families import Evaluation
from openbezoar.outline import cell, table
from openbezoar.records import Score
from openbezoar.shelf import visible
from openbezoar.store import Artifact

__all__ = ["scoreboard"]

NAMES = ("score", "value", "95 % interval", "n", "missing", "note")
Settings = Mapping[str, JsonValue]


def scoreboard(artifact: Artifact) -> str:
    """The scores as a table, each note once, and how each evaluation was set."""
    manifest, numbers = artifact.manifest, dict[str, Any](artifact.numbers)
    scores = [Score.model_validate(score) for score in numbers["scores"]]
    notes = list(dict.fromkeys(score.note for score in scores if score.note))
    lines = [
        f"{manifest.stage} measured {numbers['model']}: {len(scores)} scores",
        "",
        *table(NAMES, (_row(score, notes) for score in scores)),
        "",
        *(f"note {place}: {note}" for place, note in enumerate(notes, start=1)),
        *_set(manifest.science),
        f"all there is: bezoar show {manifest.stage} --json",
    ]
    return visible("\n".join(lines))


def _row(score: Score, notes: Sequence[str]) -> tuple[Any, ...]:
    direction = "\u2191" if score.higher_is_better else "\u2193"
    known = score.low is not None and score.high is not None
    interval = f"{cell(score.low)} to {cell(score.high)}" if known else None
    note = notes.index(score.note) + 1 if score.note else ""
    return f"{score.name} {direction}", score.value, interval, score.n, score.missing, note


def _set(science: Any) -> Iterator[str]:
    """One line an evaluation: its settings, without those that are as they are by themselves."""
    parts = discover("openbezoar.evaluations", Evaluation)
    for settings in science["settings"]["evaluations"]:
        part = parts.get(settings["kind"])
        usual = {
            name: to_jsonable_python(field.default)
            for name, field in (part.model_fields if part else {}).items()
            if not field.is_required()
        }
        told = {
            name: value
            for name, value in settings.items()
            if name == "kind" or name not in usual or value != usual[name]
        }
        yield f"set to {cell(told)}"
