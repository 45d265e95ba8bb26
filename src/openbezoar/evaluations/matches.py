"""From games played in both orders to win rates, and how far the judge looks at seats or length."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import JsonValue

from openbezoar.evaluations.judging import Game
from openbezoar.evaluations.pooled import on_scale, pooled
from openbezoar.plurals import counted
from openbezoar.records import Score
from openbezoar.statistics import Estimate, kappa, share

__all__ = ["POINTS", "Match", "Matching", "Outcome", "match_of"]

Outcome = Literal["win", "loss", "tie"]
POINTS: dict[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


class Match(NamedTuple):
    """One turn of ours against theirs: the verdict with ours shown first, and shown second."""

    question: str
    category: str
    turn: int
    """Counted from 1."""
    first: Outcome | None
    second: Outcome | None
    reason: str
    """Why a verdict is missing."""
    length: int
    """Characters of our answer."""
    their_length: int
    was_asked: bool = True
    """False for answers alike to the letter, which tie."""
    detail: str = ""
    """What explains the reason."""

    @property
    def outcome(self) -> Outcome | None:
        """A win or a loss only where both orders say so, which is FastChat's rule."""
        if self.first is None or self.second is None:
            return None
        return self.first if self.first == self.second else "tie"


def match_of(game: Game) -> Match:
    """The game as ours won, lost or tied it."""
    first, second = game.first.reading, game.second.reading
    as_first: dict[str, Outcome] = {"A": "win", "B": "loss", "tie": "tie"}
    as_second: dict[str, Outcome] = {"A": "loss", "B": "win", "tie": "tie"}
    question = game.ours.question
    return Match(
        str(question.question_id),
        question.category,
        game.turn + 1,
        as_first[first.value] if first.value else None,
        as_second[second.value] if second.value else None,
        first.reason or second.reason,
        len(game.ours.texts()[game.turn]),
        len(game.theirs.texts()[game.turn]),
        bool(game.first.asked),
        (game.first if first.reason else game.second).detail,
    )


class Matching(NamedTuple):
    """How matches become scores."""

    name: str
    missing_share: float
    note: str
    settings: dict[str, JsonValue]

    def scores(self, matches: Sequence[Match]) -> list[Score]:
        """The win rate, ties half, then three shares that an unswayed judge would keep low or even.

        Flips: verdicts that change with the seats. First seat: decisions for the answer shown
        first. Longer wins: decided matches won by the longer answer, which need not be the cause.
        """
        read = [match for match in matches if match.outcome is not None]
        missing = len(matches) - len(read)
        asked = [match for match in read if match.was_asked]
        flips = share(sum(match.first != match.second for match in asked), len(asked))
        return [
            self._win_rate(read, missing),
            self._share("flips", flips, "verdicts that change when the answers swap seats", False),
            self._share("first_seat", _first_seat(asked), "decisions for the answer shown first"),
            self._share("longer_wins", _longer_wins(read), "decided matches that the longer won"),
        ]

    def agreement(self, ours: Sequence[Match], others: Sequence[Match], second: str) -> Score:
        """How far a second judge decides the same matches alike, beyond chance."""
        pairs = [
            (one.outcome, other.outcome)
            for one, other in zip(ours, others, strict=True)
            if one.outcome is not None and other.outcome is not None
        ]
        found = kappa(pairs)
        return Score(
            name=f"{self.name}.judges_kappa", value=found.value, n=found.n, low=found.low,
            high=found.high, missing=len(ours) - len(pairs), standard_error=found.standard_error,
            note=f"{_why_no_kappa(found)}Cohen's kappa of the outcomes with those of {second}",
            settings=self.settings,
        )  # fmt: skip

    def _win_rate(self, read: Sequence[Match], missing: int) -> Score:
        counts = Counter(match.outcome for match in read)
        note = (
            f"{self.note}; {counts['win']} won, {counts['tie']} tied, {counts['loss']} lost; "
            "a win is one in both orders"
        )
        if alike := sum(not match.was_asked for match in read):
            note += f"; {counted(alike, 'pair')} of answers alike to the letter, tied unasked"
        by_question: dict[str, list[float]] = {}
        for match in read:
            if match.outcome is not None:
                by_question.setdefault(match.question, []).append(POINTS[match.outcome])
        groups = list(by_question.values())
        rate = pooled([sum(group) for group in groups], [len(group) for group in groups])
        mean = on_scale(rate, 0, 1)
        wanted = len(read) + missing
        if missing:
            low, high = (sum(map(sum, groups)) + missing * end for end in (0, 1))
            note += f"; {missing} of {wanted} missing, the rate of all lies in "
            note += f"{low / wanted:.2f} to {high / wanted:.2f}"
        if not read or missing > self.missing_share * wanted:
            note = f"invalid: too many verdicts are missing; {note}"
            mean = Estimate(None, 0, None, None, None)
        return Score(
            name=self.name, value=mean.value, n=len(read), missing=missing, note=note,
            standard_error=mean.standard_error, low=mean.low, high=mean.high,
            settings=self.settings,
        )  # fmt: skip

    def _share(
        self, name: str, found: Estimate, note: str, higher_is_better: bool | None = None
    ) -> Score:
        return Score(
            name=f"{self.name}.{name}", value=found.value, n=found.n, low=found.low,
            high=found.high, standard_error=found.standard_error, note=note,
            higher_is_better=higher_is_better, settings=self.settings,
        )  # fmt: skip


def _why_no_kappa(found: Estimate) -> str:
    if found.value is not None:
        return ""
    return "all outcomes alike; " if found.n else "no match that both judges decided; "


def _first_seat(read: Sequence[Match]) -> Estimate:
    shown_first = [match.first == "win" for match in read if match.first != "tie"]
    shown_first += [match.second == "loss" for match in read if match.second != "tie"]
    return share(sum(shown_first), len(shown_first))


def _longer_wins(read: Sequence[Match]) -> Estimate:
    decided = [
        match
        for match in read
        if match.outcome in ("win", "loss") and match.length != match.their_length
    ]
    won = sum((match.outcome == "win") == (match.length > match.their_length) for match in decided)
    return share(won, len(decided))
