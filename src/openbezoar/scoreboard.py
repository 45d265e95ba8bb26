"""The scores of one model as a person reads them: rows of a table, and the notes below it."""

from collections.abc import Iterator, Sequence
from typing import Any

from openbezoar.evaluations.harness_results import CHAT
from openbezoar.outline import cell
from openbezoar.records import Score

__all__ = ["notes_of", "rows_of"]


def rows_of(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """One row a metric; its twin through the chat template stands beside it."""
    return [_row(*both) for both in _twins(scores)]


def notes_of(scores: Sequence[Score]) -> list[str]:
    """Every note once, behind the metrics that it is of."""
    found: dict[str, list[str]] = {}
    for score in scores:
        found.setdefault(score.note, []).append(score.name)
    return [f"{', '.join(names)}: {note}" for note, names in found.items() if note]


def _twins(scores: Sequence[Score]) -> Iterator[tuple[Score, Score | None]]:
    chats = {score.name.removesuffix(CHAT): score for score in scores if score.name.endswith(CHAT)}
    plain = {score.name for score in scores}
    for score in scores:
        if not (score.name.endswith(CHAT) and score.name.removesuffix(CHAT) in plain):
            yield score, chats.get(score.name)


def _row(score: Score, chat: Score | None) -> dict[str, Any]:
    flags = [*score.flags]
    if chat is not None:
        flags += [f"chat: {flag}" for flag in chat.flags if flag not in flags]
    return {
        "metric": score.name,
        "value": cell(score.value),
        "95 % interval": _interval(score),
        "with chat template": None if chat is None else cell(chat.value),
        "its interval": None if chat is None else _interval(chat),
        "n": score.n,
        "missing": score.missing or None,
        "flags": "; ".join(flags) or None,
    }


def _interval(score: Score) -> str | None:
    if score.low is None or score.high is None:
        return None
    return f"{cell(score.low)} to {cell(score.high)}"
