"""Whether a model prefers the answers that people chose."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, JsonValue, PositiveFloat, PositiveInt

from openbezoar.errors import ConfigError, ParseError
from openbezoar.evaluations import journal
from openbezoar.evaluations.expecting import likelihoods_of
from openbezoar.evaluations.held_out import held_out
from openbezoar.evaluations.likelihood import Likelihood, LikelihoodRuntime, scored
from openbezoar.evaluations.ranking import Ranked, ranking, turns
from openbezoar.families import (
    PREFERENCES,
    Bench,
    Evaluation,
    Flow,
    Reading,
    Subject,
    expect,
)
from openbezoar.records import Preference, Score
from openbezoar.statistics import mean
from openbezoar.training.renderings import Rendering

if TYPE_CHECKING:
    from openbezoar.training.format import Encoded, Format

__all__ = ["Preferences"]


class Answers(NamedTuple):
    """How likely the two answers of a preference are to one model."""

    chosen: Likelihood
    rejected: Likelihood


Margins = list[float | None]


class Preferences(Evaluation):
    """The share of held-out pairs whose chosen answer the model ranks first.

    Any model, aligned or not, can rank by likelihood: `sum` is the answer's summed log-probability,
    `per_token` its mean over tokens. With a `reference` the implicit reward of DPO ranks too:
    `reward` is beta times what the answer's log-probability gained over the reference's, and
    `reward_per_token` the same of the means. A model that DPO has trained is judged by its reward
    against the model that the training started from; one that it has not, by likelihood.
    """

    kind: Literal["preferences"] = "preferences"
    data: str
    """The stage whose pairs are measured: a data set's validation rows, else all its rows."""
    limit: PositiveInt | None = None
    """At most so many pairs, spread evenly over the data."""
    reference: str | None = None
    """A stage or checkpoint; then also the implicit reward against it, as DPO sees it."""
    beta: PositiveFloat = 0.1
    """DPO's beta, the scale of the implicit reward; it ranks nothing."""
    max_tokens: PositiveInt = 1024
    """A longer pair loses its earliest turns, then the ends of its answers; counts as missing one
    whose last question alone is longer than half of this, or whose answers are then the same."""
    length_band: float = Field(default=0.2, ge=0, lt=1)
    """Answers are of similar length when they differ by at most this share of the longer one."""
    rendering: Rendering | None = None
    """How a conversation is written down; the model's own way where it is not given."""
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

    def expects(self, flows: Mapping[str, Flow]) -> Reading:
        """Each pair once for each of the models that rank it."""
        found = likelihoods_of(flows[self.data], self.limit, self.max_tokens, answers=2)
        if self.reference is None or found.tokens is None:
            return found
        return found._replace(tokens=found.tokens * 2)

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """Shares over all pairs, by part of the data and with length held, for each measure."""
        from openbezoar.training.format import Format

        rows = held_out(self.data, bench.inputs[self.data], self.limit)
        pairs = [row for row in rows if isinstance(row, Preference)]
        if len(pairs) < len(rows):
            raise ConfigError(
                f"preferences: data {self.data!r} holds examples; name a stage of preferences"
            )
        self._refuse_other_reference(subject, bench)
        format_ = Format.for_training(subject.path, self.rendering)
        encoded = [self._encoded(row, format_) for row in pairs]
        ours = self._answers(subject.path, encoded, bench)
        measures = {"sum": _summed(ours), "per_token": _per_token(ours)}
        if self.reference is not None:
            theirs = self._answers(self._reference_folder(bench, format_), encoded, bench)
            for name, way in (("reward", _summed), ("reward_per_token", _per_token)):
                measures[name] = self._rewards(way(ours), way(theirs))
        rewards = [
            {f"{name}_margin": found[at] for name, found in measures.items() if "reward" in name}
            for at in range(len(pairs))
        ]
        items = map(self._item, pairs, encoded, ours, rewards)
        journal.append(bench.folder / journal.ITEMS, items)
        settings: dict[str, JsonValue] = {
            "rows": bench.inputs[self.data].manifest.fingerprint,
            "limit": self.limit,
            "max_tokens": self.max_tokens,
            "rendering": format_.rendering,
            "precision": self.precision,
        }
        against = {**settings, "reference": self.reference, "beta": self.beta}
        return [
            score.model_copy(update={"settings": against if ".reward" in score.name else settings})
            for score in self._scores(pairs, ours, measures)
        ]

    def _encoded(self, row: Preference, format_: "Format") -> "tuple[Encoded, ...] | ParseError":
        from openbezoar.training.cutting import encode_pair

        try:
            return encode_pair(row, format_, self.max_tokens)
        except ParseError as error:
            return error

    def _answers(
        self, folder: Path, encoded: "Sequence[tuple[Encoded, ...] | ParseError]", bench: Bench
    ) -> list[Answers | None]:
        usable = [pair for pair in encoded if not isinstance(pair, ParseError)]
        found = iter(scored(folder, usable, self.precision, self.runtime, bench.deadline.check))
        return [None if isinstance(pair, ParseError) else Answers(*next(found)) for pair in encoded]

    def _rewards(self, policy: Margins, reference: Margins) -> Margins:
        return [
            None if ours is None or theirs is None else self.beta * (ours - theirs)
            for ours, theirs in zip(policy, reference, strict=True)
        ]

    def _scores(
        self, pairs: list[Preference], ours: list[Answers | None], measures: dict[str, Margins]
    ) -> list[Score]:
        scores = []
        for measure, margins in measures.items():
            name = f"preferences.{self.data}.{measure}"
            note = "by likelihood"
            if measure.startswith("reward"):
                note = f"against {self.reference}, beta {self.beta}"
            ranked = [
                _ranked(row, margin, answers)
                for row, margin, answers in zip(pairs, margins, ours, strict=True)
            ]
            scores += ranking(name, ranked, self.length_band, note)
            if measure == "reward":
                scores.append(_mean_margin(f"{name}_margin", margins, note))
        return scores

    def _refuse_other_reference(self, subject: Subject, bench: Bench) -> None:
        """A model that was trained against a reference has no reward against another one."""
        artifact = bench.inputs.get(subject.name)
        if self.reference is None or artifact is None:
            return
        given = bench.inputs.get(self.reference)
        named: dict[str, JsonValue] = (
            {"artifact": given.manifest.fingerprint} if given else {"checkpoint": self.reference}
        )
        is_whole = artifact.manifest.kind == "train"  # else the stage before merged an adapter
        before = map(bench.find, artifact.manifest.inputs.values())
        for origin in [artifact] if is_whole else before:
            trained_against = origin.numbers.get("reference")
            if isinstance(trained_against, dict) and not named.items() <= trained_against.items():
                raise ConfigError(
                    f"preferences: {subject.name!r} was not trained against reference "
                    f"{self.reference!r}; name the `start` of the train stage that it comes from"
                )

    def _reference_folder(self, bench: Bench, format_: "Format") -> Path:
        from openbezoar.training.format import Format

        name = self.reference or ""
        is_made = name in bench.inputs
        folder = bench.inputs[name].folder / "model" if is_made else bench.specs[name].folder()
        if Format.load(folder).tokenizer.get_vocab() != format_.tokenizer.get_vocab():
            raise ConfigError(
                f"preferences: reference {name!r} has another vocabulary than the model measured; "
                "name the model that its training started from"
            )
        return folder

    def _item(
        self,
        row: Preference,
        encoding: "tuple[Encoded, ...] | ParseError",
        answers: Answers | None,
        rewards: dict[str, float | None],
    ) -> dict[str, JsonValue]:
        item: dict[str, JsonValue] = {
            "evaluation": self.kind, "data": self.data, "id": row.id, "subset": row.subset,
            "turns": turns(row),
        }  # fmt: skip
        if isinstance(encoding, ParseError) or answers is None:
            return {**item, "missing": str(encoding)}
        for side, likelihood, sequence in zip(answers._fields, answers, encoding, strict=True):
            item |= {
                side: likelihood.total,
                f"{side}_tokens": likelihood.tokens,
                f"{side}_cut": [*sequence.cut],
            }
        return {**item, **rewards}


def _summed(answers: list[Answers | None]) -> Margins:
    """By how much the chosen answer is the more likely, in nats."""
    return [None if one is None else one.chosen.total - one.rejected.total for one in answers]


def _per_token(answers: list[Answers | None]) -> Margins:
    """The same for the means over tokens, so that a long answer is not at a disadvantage."""
    return [
        None if one is None else one.chosen.per_token - one.rejected.per_token for one in answers
    ]


def _ranked(row: Preference, margin: float | None, answers: Answers | None) -> Ranked:
    if answers is None:
        return Ranked(row)
    return Ranked(row, margin, answers.chosen.tokens, answers.rejected.tokens)


def _mean_margin(name: str, margins: Margins, note: str) -> Score:
    read = [margin for margin in margins if margin is not None]
    found = mean(read)
    return Score(
        name=name, value=found.value, n=found.n, missing=len(margins) - len(read),
        standard_error=found.standard_error, low=found.low, high=found.high, note=note,
    )  # fmt: skip
