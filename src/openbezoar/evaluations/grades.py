"""From ratings to scores: means that know what is missing, and how far to trust their judge."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from openbezoar.evaluations.pooled import on_scale, pooled
from openbezoar.judges.rating import HIGHEST, LOWEST
from openbezoar.plurals import counted
from openbezoar.records import Score
from openbezoar.statistics import Estimate, rank_correlation, share

__all__ = ["Graded", "Grading"]

NAME = "mt_bench"
NEAR = 1.0
"""Two judges agree on an answer when their ratings are at most so far apart."""
LEAST_RANKED = 2
"""Fewer pairs have no rank correlation."""


class Graded(NamedTuple):
    """One turn of one question, and how it was rated."""

    question: str
    category: str
    turn: int
    """Counted from 1."""
    rating: float | None
    reason: str = ""
    """Why there is no rating."""
    length: int = 0
    """Characters of the answer."""
    cut_at: int | None = None
    """The tokens at which the answer was cut; None for one that ended by itself."""
    detail: str = ""
    """What explains the reason."""


class Grading(NamedTuple):
    """How ratings become scores."""

    missing_share: float
    note: str
    settings: dict[str, JsonValue]

    def scores(self, rows: Sequence[Graded]) -> list[Score]:
        """The mean overall, by turn and by category, then how ratings go with length."""
        found = [self._score(name, members) for name, members in _parts(rows).items()]
        return [*found, self._length(rows)]

    def _score(self, name: str, rows: Sequence[Graded]) -> Score:
        """The mean over all ratings; the turns of one question are one cluster of its error."""
        by_question: dict[str, list[float]] = {row.question: [] for row in rows}
        for row in rows:
            if row.rating is not None:
                by_question[row.question].append(row.rating)
        ratings = [rating for row in rows if (rating := row.rating) is not None]
        missing, note = len(rows) - len(ratings), "; ".join([self.note, *_cut(rows)])
        if missing:
            note = f"{note}; {_bounds(ratings, missing)}; {_where(rows)}"
        if not ratings or missing > self.missing_share * len(rows):
            note = f"invalid: too many ratings are missing for a mean; {note}"
            return self._made(name, Estimate(None, 0, None, None, None), ratings, missing, note)
        groups = list(by_question.values())
        mean = pooled([sum(group) for group in groups], [len(group) for group in groups])
        return self._made(name, on_scale(mean, LOWEST, HIGHEST), ratings, missing, note)

    def _made(
        self, name: str, mean: Estimate, ratings: Sequence[float], missing: int, note: str
    ) -> Score:
        return Score(
            name=name, value=mean.value, n=len(ratings), missing=missing, note=note,
            standard_error=mean.standard_error, low=mean.low, high=mean.high,
            settings=self.settings,
        )  # fmt: skip

    def agreement(
        self, rows: Sequence[Graded], others: Sequence[Graded], second: str
    ) -> list[Score]:
        """How far a second judge rates the same answers alike."""
        pairs = [
            (one.rating, other.rating)
            for one, other in zip(rows, others, strict=True)
            if one.rating is not None and other.rating is not None
        ]
        answered = sum(row.length > 0 for row in rows)
        near = share(sum(abs(one - other) <= NEAR for one, other in pairs), len(pairs))
        near_note = f"answers that {second} rates at most {NEAR:g} apart"
        ranks_note = f"rank correlation of the ratings with those of {second}"
        ranks_note = _or_why(ranks_note, pairs, ("first judge's ratings", "second judge's ratings"))
        texts = {
            "judges_within_1": (near, near_note),
            "judges_rank": (rank_correlation(pairs), ranks_note),
        }
        return [
            Score(
                name=f"{NAME}.{name}", value=found.value, n=found.n, missing=answered - len(pairs),
                standard_error=found.standard_error, low=found.low, high=found.high, note=note,
                settings=self.settings,
            )
            for name, (found, note) in texts.items()
        ]  # fmt: skip

    def _length(self, rows: Sequence[Graded]) -> Score:
        rated = [(float(row.length), row.rating) for row in rows if row.rating is not None]
        found = rank_correlation(rated)
        note = "rank correlation of an answer's length and its rating: no cause, but a warning"
        return Score(
            name=f"{NAME}.length", value=found.value, n=found.n, low=found.low, high=found.high,
            standard_error=found.standard_error, settings=self.settings, higher_is_better=None,
            note=_or_why(note, rated, ("lengths", "ratings")),
        )  # fmt: skip


def _parts(rows: Sequence[Graded]) -> dict[str, list[Graded]]:
    """The rows that each score rests on: all, by turn, by category."""
    parts: dict[str, list[Graded]] = {NAME: list(rows)}
    for row in sorted(rows, key=lambda row: row.turn):
        parts.setdefault(f"{NAME}.turn_{row.turn}", []).append(row)
    for row in rows:
        parts.setdefault(f"{NAME}.{row.category}", []).append(row)
    return parts


def _cut(rows: Sequence[Graded]) -> Iterator[str]:
    """How many of these answers were cut, and where."""
    for tokens, cut in sorted(Counter(row.cut_at for row in rows if row.cut_at).items()):
        yield f"{counted(cut, 'answer')} cut at {counted(tokens, 'token')}"


def _or_why(note: str, pairs: Sequence[tuple[float, float]], names: tuple[str, str]) -> str:
    """The note of a rank correlation; first of all, where there is none, why not."""
    alike = [name for side, name in enumerate(names) if len({pair[side] for pair in pairs}) == 1]
    if len(pairs) < LEAST_RANKED:
        return f"fewer than {LEAST_RANKED} ratings; {note}"
    return f"{' and '.join(alike)} all alike; {note}" if alike else note


def _bounds(ratings: Sequence[float], missing: int) -> str:
    """What the mean would be, were every missing rating the worst or the best."""
    wanted, total = len(ratings) + missing, sum(ratings)
    low, high = ((total + missing * rating) / wanted for rating in (LOWEST, HIGHEST))
    return f"{missing} of {wanted} ratings missing, the mean of all lies in {low:.2f} to {high:.2f}"


def _where(rows: Sequence[Graded]) -> str:
    """The missing ratings by category and turn, then by reason."""
    lost = [row for row in rows if row.rating is None]
    places = Counter(f"{row.category} turn {row.turn}" for row in lost)
    reasons = Counter(row.reason for row in lost)
    return f"missing in {_counted(places)}, for {_counted(reasons)}"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
