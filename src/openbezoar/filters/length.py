"""Drops rows whose instruction or answer is below or above a bound, which the reason names."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from openbezoar.component import Component
from openbezoar.errors import ConfigError, MissingExtra
from openbezoar.families import Bench, Check, Filter, ModelSpec, Numbers
from openbezoar.filters.texts import answer_of, asked_in
from openbezoar.records import Row, Verdict

__all__ = ["Bounds", "Length", "Ratio"]

UNITS = ("characters", "words", "tokens")
Measure = Callable[[str], int]


class Limit(NamedTuple):
    """A bound at work: what is measured, and how little and how much of it may be there."""

    unit: str
    measure: Measure
    least: int
    most: int | None


class Bounds(Component):
    """The least and the most that a text may hold."""

    least_characters: int = Field(1, ge=0)
    """Characters, without the white space around the text."""
    most_characters: int | None = Field(None, ge=0)
    """null for no limit."""
    least_words: int = Field(0, ge=0)
    """Words, as white space divides them."""
    most_words: int | None = Field(None, ge=0)
    """null for no limit."""
    least_tokens: int = Field(0, ge=0)
    """Tokens of the text alone, as the `tokenizer` counts them."""
    most_tokens: int | None = Field(None, ge=0)
    """null for no limit."""

    @model_validator(mode="after")
    def _least_is_below_most(self) -> "Bounds":
        for unit in UNITS:
            least, most = self.of(unit)
            if most is not None and most < least:
                raise ValueError(f"most_{unit} ({most}) is below least_{unit} ({least})")
        return self

    def of(self, unit: str) -> tuple[int, int | None]:
        """The least and the most of this unit."""
        return getattr(self, f"least_{unit}"), getattr(self, f"most_{unit}")

    def limits(self, measures: dict[str, Measure]) -> list[Limit]:
        """The bounds that can be broken, in the order in which they are looked at."""
        return [Limit(unit, measures[unit], *self.of(unit)) for unit in UNITS if self.sets(unit)]

    def sets(self, unit: str) -> bool:
        """Whether there is any bound of this unit."""
        return self.of(unit) != (0, None)


class Ratio(Component):
    """How long an answer may be beside its instruction, in characters."""

    least: float = Field(0, ge=0)
    """Characters of the answer for each one of the instruction."""
    most: float | None = Field(None, gt=0)
    """null for no limit."""

    @model_validator(mode="after")
    def _least_is_below_most(self) -> "Ratio":
        if self.most is not None and self.most < self.least:
            raise ValueError(f"most ({self.most}) is below least ({self.least})")
        return self


class Length(Filter):
    """Keeps rows whose texts are within bounds; a seed has no answer to measure."""

    kind: Literal["length"] = "length"
    instruction: Bounds = Bounds()
    """What is asked, its context included."""
    answer: Bounds = Bounds()
    """The answer to learn from."""
    ratio: Ratio = Ratio()
    """The answer's characters over the instruction's; an empty instruction has no ratio."""
    tokenizer: str | None = None
    """The recipe's name of the checkpoint that counts tokens; needed where they are bounded."""

    @model_validator(mode="after")
    def _tokens_are_counted_by_somebody(self) -> "Length":
        bounded = self.instruction.sets("tokens") or self.answer.sets("tokens")
        if bounded and self.tokenizer is None:
            raise ValueError("tokens are bounded, so `tokenizer` must name the model that counts")
        return self

    def uses(self) -> tuple[str, ...]:
        """The checkpoint whose tokenizer counts."""
        return (self.tokenizer,) if self.tokenizer is not None else ()

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """Only a checkpoint has a tokenizer of its own here."""
        if self.tokenizer is not None and not specs[self.tokenizer].trains:
            raise ConfigError(
                f"filter length counts tokens with model {self.tokenizer!r} "
                f"({specs[self.tokenizer].label}), which has no tokenizer here; "
                "use a model of kind transformers"
            )

    @contextmanager
    def open(self, bench: Bench, numbers: Numbers) -> Iterator[Check]:
        """Load the tokenizer where there is one, then give the check."""
        measures: dict[str, Measure] = {"characters": _characters, "words": _words}
        if self.tokenizer is not None:
            measures["tokens"] = _counter(bench.specs[self.tokenizer].folder())
        asked, answered = self.instruction.limits(measures), self.answer.limits(measures)

        def check(row: Row) -> Verdict:
            instruction, answer = asked_in(row), answer_of(row)
            fault = self._fault("instruction", instruction, asked)
            if fault is None and answer is not None:
                fault = self._fault("answer", answer, answered) or self._ratio(instruction, answer)
            return fault or self.keep()

        yield check

    def _fault(self, which: str, text: str, limits: list[Limit]) -> Verdict | None:
        for unit, measure, least, most in limits:
            measured = measure(text)
            if measured < least:
                return self.drop(f"{which} below {_counted(least, unit)}", **{unit: measured})
            if most is not None and measured > most:
                return self.drop(f"{which} above {_counted(most, unit)}", **{unit: measured})
        return None

    def _ratio(self, instruction: str, answer: str) -> Verdict | None:
        least, most = self.ratio.least, self.ratio.most
        asked = _characters(instruction)
        if not asked or (not least and most is None):
            return None
        found = _characters(answer) / asked
        if found < least:
            return self.drop(f"answer below {least:g} times its instruction", ratio=round(found, 3))
        if most is not None and found > most:
            return self.drop(f"answer above {most:g} times its instruction", ratio=round(found, 3))
        return None


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit if count != 1 else unit[:-1]}"


def _characters(text: str) -> int:
    return len(text.strip())


def _words(text: str) -> int:
    return len(text.split())


def _counter(folder: Path) -> Measure:
    from openbezoar.training.format import Format

    try:
        tokenizer = Format.load(folder).tokenizer
    except ImportError:
        raise MissingExtra(
            "counting tokens needs transformers; pip install 'openbezoar[train]'"
        ) from None

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    return count
