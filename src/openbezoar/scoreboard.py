"""What an evaluate stage measured, short enough for a terminal: scores, notes, settings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from openbezoar.component import discover
from openbezoar.evaluations.harness_results import CHAT
from openbezoar.families import Evaluation
from openbezoar.outline import cell, table
from openbezoar.plurals import counted
from openbezoar.records import Score
from openbezoar.shelf import visible
from openbezoar.store import Artifact

__all__ = ["scoreboard"]

Settings = Mapping[str, JsonValue]


def scoreboard(artifact: Artifact) -> str:
    """The scores as a table, each note once, and how each evaluation was set."""
    manifest, numbers = artifact.manifest, dict[str, Any](artifact.numbers)
    scores = [Score.model_validate(score) for score in numbers["scores"]]
    notes = list(dict.fromkeys(score.note for score in scores if score.note))
    rows = [_row(score, chat, notes) for score, chat in _twins(scores)]
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)] if rows else []
    lines = [
        f"{manifest.stage} measured {numbers['model']}: {counted(len(scores), 'score')}",
        "",
        *table(names, ([row[name] for name in names] for row in rows)),
        "",
        *(f"note {place}: {note}" for place, note in enumerate(notes, start=1)),
        *_set(manifest.science),
        f"all there is: bezoar show {manifest.stage} --json",
    ]
    return visible("\n".join(lines))


def _twins(scores: Sequence[Score]) -> Iterator[tuple[Score, Score | None]]:
    """Each score, with its twin through the chat template where there is one."""
    chats = {score.name.removesuffix(CHAT): score for score in scores if score.name.endswith(CHAT)}
    plain = {score.name for score in scores}
    for score in scores:
        if not (score.name.endswith(CHAT) and score.name.removesuffix(CHAT) in plain):
            yield score, chats.get(score.name)


def _row(score: Score, chat: Score | None, notes: Sequence[str]) -> dict[str, Any]:
    flags = [*score.flags]
    if chat is not None:
        flags += [f"chat: {flag}" for flag in chat.flags if flag not in flags]
    both = [one.note for one in (score, chat) if one is not None and one.note]
    places = dict.fromkeys(str(notes.index(note) + 1) for note in both)
    return {
        "score": f"{score.name} {score.arrow}".rstrip(),
        "value": cell(score.value),
        "95 % interval": _interval(score),
        "with chat template": None if chat is None else cell(chat.value),
        "its interval": None if chat is None else _interval(chat),
        "n": score.n,
        "missing": score.missing,
        "flags": "; ".join(flags) or None,
        "note": ", ".join(places),
    }


def _interval(score: Score) -> str | None:
    known = score.low is not None and score.high is not None
    return f"{cell(score.low)} to {cell(score.high)}" if known else None


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
