"""Whether a model prefers the answers that people chose."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import JsonValue, PositiveFloat, PositiveInt

from openbezoar.errors import ConfigError, ParseError
from openbezoar.evaluations import journal
from openbezoar.evaluations.held_out import held_out
from openbezoar.evaluations.likelihood import Likelihood, LikelihoodRuntime, likelihoods
from openbezoar.families import PREFERENCES, Bench, Evaluation, Subject, expect
from openbezoar.records import Preference, Score
from openbezoar.statistics import mean, wilson

__all__ = ["Preferences"]


class Pair(NamedTuple):
    """How likely the two answers of a preference are."""

    chosen: Likelihood
    rejected: Likelihood

    def margin(self) -> float:
        """By how much the chosen answer is the more likely, in nats."""
        return self.chosen.total - self.rejected.total

    def margin_per_token(self) -> float:
        """The same for the means over tokens, so that a long answer is not at a disadvantage."""
        return self.chosen.per_token - self.rejected.per_token


Measured = tuple[Preference, Pair | str]
"""A preference with its likelihoods, or why it has none."""


class Preferences(Evaluation):
    """The share of held-out pairs whose chosen answer the model finds the more likely."""

    kind: Literal["preferences"] = "preferences"
    data: str
    """The stage whose pairs are measured: a data set's validation rows, else all its rows."""
    limit: PositiveInt | None = None
    """At most so many pairs, spread evenly over the data."""
    reference: str | None = None
    """A stage or checkpoint; then also the implicit reward against it, as DPO sees it."""
    beta: PositiveFloat = 0.1
    """DPO's beta, the scale of the implicit reward."""
    max_tokens: PositiveInt = 1024
    """A longer row loses its earliest turns; a pair still longer counts as missing."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    runtime: LikelihoodRuntime = LikelihoodRuntime()

    def reads(self) -> tuple[str, ...]:
        """The stage of the pairs, and the reference."""
        return (self.data,) if self.reference is None else (self.data, self.reference)

    def check_reads(self, kinds: Mapping[str, str]) -> None:
        """The data must hold pairs; a reference is a model."""
        expect(self.data, kinds, *PREFERENCES)
        if self.reference is not None:
            expect(self.reference, kinds, "checkpoint", "model")

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """Shares by summed and by per-token likelihood, over all pairs and by part of the data."""
        rows = held_out(self.data, bench.inputs[self.data], self.limit)
        pairs = [row for row in rows if isinstance(row, Preference)]
        if len(pairs) < len(rows):
            raise ConfigError(
                f"preferences: data {self.data!r} holds examples; name a stage of preferences"
            )
        measured = self._pairs(subject.path, pairs)
        scores = self._shares(measured)
        rewards: list[float | None] = [None] * len(pairs)
        if self.reference is not None:
            rewards = self._rewards(measured, self._pairs(self._folder(bench), pairs))
            scores += self._reward_scores(rewards)
        items = (self._item(*one, reward) for one, reward in zip(measured, rewards, strict=True))
        journal.append(bench.folder / journal.ITEMS, items)
        settings: dict[str, JsonValue] = {
            "rows": bench.inputs[self.data].manifest.fingerprint,
            "limit": self.limit,
            "max_tokens": self.max_tokens,
            "precision": self.precision,
        }
        against = {**settings, "reference": self.reference, "beta": self.beta}
        return [
            score.model_copy(update={"settings": against if ".reward" in score.name else settings})
            for score in scores
        ]

    def _pairs(self, folder: Path, rows: Sequence[Preference]) -> list[Measured]:
        answers = [(row.prompt, text) for row in rows for text in (row.chosen, row.rejected)]
        found = iter(likelihoods(folder, answers, self.max_tokens, self.precision, self.runtime))
        return [(row, _pair(next(found), next(found))) for row in rows]

    def _folder(self, bench: Bench) -> Path:
        name = self.reference or ""
        if name in bench.inputs:
            return bench.inputs[name].folder / "model"
        return bench.specs[name].folder()

    def _shares(self, measured: list[Measured]) -> list[Score]:
        scores = []
        for part, members in _parts(measured).items():
            read = [pair for _, pair in members if isinstance(pair, Pair)]
            missing = len(members) - len(read)
            for way, margins in (
                ("sum", [pair.margin() for pair in read]),
                ("per_token", [pair.margin_per_token() for pair in read]),
            ):
                name = f"preferences.{self.data}.{way}{part}"
                scores.append(_share(name, [margin > 0 for margin in margins], missing))
        return scores

    def _rewards(self, policy: list[Measured], reference: list[Measured]) -> list[float | None]:
        return [
            self.beta * (ours.margin() - theirs.margin())
            if isinstance(ours, Pair) and isinstance(theirs, Pair)
            else None
            for (_, ours), (_, theirs) in zip(policy, reference, strict=True)
        ]

    def _reward_scores(self, rewards: list[float | None]) -> list[Score]:
        read = [reward for reward in rewards if reward is not None]
        missing, name = len(rewards) - len(read), f"preferences.{self.data}.reward"
        note = f"against {self.reference}, beta {self.beta}"
        margin = mean(read)
        return [
            _share(name, [reward > 0 for reward in read], missing, note),
            Score(
                name=f"{name}_margin", value=margin.value, n=margin.n, missing=missing,
                standard_error=margin.standard_error, low=margin.low, high=margin.high, note=note,
            ),
        ]  # fmt: skip

    def _item(
        self, row: Preference, pair: Pair | str, reward: float | None
    ) -> dict[str, JsonValue]:
        item: dict[str, JsonValue] = {
            "evaluation": self.kind, "data": self.data, "id": row.id, "subset": row.subset,
            "turns": _turns(row),
        }  # fmt: skip
        if isinstance(pair, str):
            return {**item, "missing": pair}
        for side, likelihood in pair._asdict().items():
            item |= {side: likelihood.total, f"{side}_tokens": likelihood.tokens}
        return item if reward is None else {**item, "reward_margin": reward}


def _pair(chosen: Likelihood | ParseError, rejected: Likelihood | ParseError) -> Pair | str:
    if isinstance(chosen, ParseError):
        return f"chosen: {chosen.reason}"
    if isinstance(rejected, ParseError):
        return f"rejected: {rejected.reason}"
    return Pair(chosen, rejected)


def _parts(measured: list[Measured]) -> dict[str, list[Measured]]:
    """All pairs, then each subset and each length of conversation where there are several."""
    subsets = sorted({row.subset for row, _ in measured if row.subset})
    parts = {"": measured}
    for subset in subsets if len(subsets) > 1 else []:
        parts[f".{subset}"] = [one for one in measured if one[0].subset == subset]
    for name, several in (("single_turn", False), ("multi_turn", True)):
        members = [one for one in measured if (_turns(one[0]) > 1) is several]
        if 0 < len(members) < len(measured):
            parts[f".{name}"] = members
    return parts


def _turns(row: Preference) -> int:
    return sum(message.role == "user" for message in row.prompt)


def _share(name: str, wins: list[bool], missing: int, note: str = "") -> Score:
    if not wins:
        return Score(name=name, value=None, n=0, missing=missing, note=note)
    low, high = wilson(sum(wins), len(wins))
    return Score(
        name=name, value=sum(wins) / len(wins), n=len(wins), missing=missing, low=low, high=high,
        note=note,
    )  # fmt: skip
