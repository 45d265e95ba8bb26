"""Drops rows whose instruction or answer is too short or too long."""

from typing import Literal

from pydantic import Field, model_validator

from openbezoar.component import Component
from openbezoar.families import Filter
from openbezoar.filters.texts import answer_of, asked_in
from openbezoar.records import Row, Verdict

__all__ = ["Bounds", "Length"]


class Bounds(Component):
    """The least and the most that a text may hold."""

    least_characters: int = Field(1, ge=0)
    """Characters, without the white space around the text."""
    most_characters: int | None = None
    """null for no limit."""
    least_words: int = Field(0, ge=0)
    """Words, as white space divides them."""
    most_words: int | None = None
    """null for no limit."""

    @model_validator(mode="after")
    def _least_is_below_most(self) -> "Bounds":
        for what, least, most in (
            ("characters", self.least_characters, self.most_characters),
            ("words", self.least_words, self.most_words),
        ):
            if most is not None and most < least:
                raise ValueError(f"most_{what} ({most}) is below least_{what} ({least})")
        return self

    def fault(self, text: str) -> str:
        """`too short`, `too long`, or nothing."""
        characters, words = len(text.strip()), len(text.split())
        if characters < self.least_characters or words < self.least_words:
            return "too short"
        long = self.most_characters is not None and characters > self.most_characters
        wordy = self.most_words is not None and words > self.most_words
        return "too long" if long or wordy else ""


class Length(Filter):
    """Keeps rows whose texts are within bounds; a seed has no answer to measure."""

    kind: Literal["length"] = "length"
    instruction: Bounds = Bounds()
    """What is asked, its context included."""
    answer: Bounds = Bounds()
    """The answer to learn from."""

    def check(self, row: Row) -> Verdict:
        """Measure the instruction, then the answer."""
        if fault := self.instruction.fault(asked_in(row)):
            return self.drop(f"instruction {fault}")
        answer = answer_of(row)
        if answer is not None and (fault := self.answer.fault(answer)):
            return self.drop(f"answer {fault}")
        return self.keep()
