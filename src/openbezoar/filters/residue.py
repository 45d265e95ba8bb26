"""Drops rows in which something is left over from how they were made."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Annotated, Literal, get_args

from pydantic import Field, JsonValue

from openbezoar import prompts
from openbezoar.families import Bench, Check, Filter, Numbers
from openbezoar.filters import marks
from openbezoar.filters.marks import Mark
from openbezoar.filters.spans import Phrases, repeated_share
from openbezoar.filters.texts import turns_of
from openbezoar.records import Example, Row, Verdict
from openbezoar.training.renderings import DEFAULT_SYSTEM

__all__ = ["Residue"]

What = Literal["markers", "numbering", "prompts", "loops", "fences", "cut off", "characters"]
Look = Callable[[str], Mark | None]
LOOKS: dict[str, list[tuple[What, Look]]] = {
    "instruction": [
        ("characters", marks.wrong_character),
        ("markers", marks.marker),
        ("numbering", marks.numbering),
    ],
    "answer": [
        ("characters", marks.wrong_character),
        ("markers", marks.marker),
        ("markers", marks.speaker),
        ("fences", marks.open_fence),
    ],
}
"""What is looked for in an instruction and in an answer, beside words."""
UNSPACED = 20
"""Characters that words do not have on average: such a text is measured in characters."""


class Residue(Filter):
    """Keeps rows whose turns, asked or answered, show nothing of how they were made.

    Looked for are markers of templates (`<|im_end|>`, `### Response:`, `#Rewritten Prompt#`,
    `<example>`, an answer that goes on as `Human:`), an instruction that still has its number of a
    list, words of our prompts and of the row's own system message, loops, code fences left open,
    answers cut off at the teacher's limit, and characters of a broken encoding.
    """

    kind: Literal["residue"] = "residue"
    look_for: tuple[What, ...] = Field(get_args(What), min_length=1)
    """What counts as residue."""
    markers: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Further strings that must not stand in any turn, letter for letter."""
    leak_words: int = Field(8, ge=4)
    """So many words of a prompt one after the other in a turn are a leak."""
    most_repeated: float = Field(0.4, gt=0, lt=1)
    """The most of a turn, or of its last 60 words, that may be four-word spans it said before."""

    def evidence(self) -> JsonValue:
        """The wording of the prompts that may leak."""
        return [prompts.fingerprint(name) for name in prompts.names()]

    @contextmanager
    def open(self, bench: Bench, numbers: Numbers) -> Iterator[Check]:
        """Gather what to look for, then give the check."""
        looks = {which: self._looks(which) for which in LOOKS}
        texts = [text for name in prompts.names() for text in prompts.passages(name)]
        ours = Phrases([*texts, DEFAULT_SYSTEM], self.leak_words)
        of_system = lru_cache(256)(lambda system: Phrases([system], self.leak_words))
        cut_off, leaks = "cut off" in self.look_for, "prompts" in self.look_for

        def check(row: Row) -> Verdict:
            phrases = [ours] if leaks else []
            if isinstance(row, Example):
                if cut_off and row.finish_reason == "length":
                    return self.drop("answer: cut off")
                phrases += [of_system(row.system)] if leaks and row.system else []
            for which, text in turns_of(row):
                mark = _first(looks[which], text) or self._in_words(text, phrases)
                if mark is not None:
                    return self.drop(f"{which}: {mark.kind}", found=mark.found)
            return self.keep()

        yield check

    def _looks(self, which: str) -> list[Look]:
        own: list[Look] = [partial(_holds, marker) for marker in self.markers]
        return own + [look for what, look in LOOKS[which] if what in self.look_for]

    def _in_words(self, text: str, phrases: Sequence[Phrases]) -> Mark | None:
        words = text.split()
        distinct = set(words)
        for each in phrases:
            if (span := each.found_in(words, distinct)) is not None:
                return Mark("words of a prompt", span)
        if "loops" in self.look_for:
            units: Sequence[str] = words
            if len(text) > UNSPACED * len(words):
                units = "".join(words)
                distinct = set(units)
            share = repeated_share(units, len(distinct), self.most_repeated)
            if share is not None:
                return Mark("loop", f"{share:.0%} said before")
        return None


def _holds(marker: str, text: str) -> Mark | None:
    return Mark("given marker", marker) if marker in text else None


def _first(looks: Sequence[Look], text: str) -> Mark | None:
    for look in looks:
        if (mark := look(text)) is not None:
            return mark
    return None
