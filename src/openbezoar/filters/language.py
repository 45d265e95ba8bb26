"""Keeps rows in given languages, and says how many were too short or too mixed to tell."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from openbezoar.component import nearest
from openbezoar.errors import ConfigError, MissingExtra
from openbezoar.families import Bench, Check, Filter, ModelSpec, Numbers
from openbezoar.filters.texts import answer_of, asked_in
from openbezoar.records import Row, Verdict

__all__ = ["Language"]

SEEN = 4000
"""Characters of a text that are looked at; more of them tell no better."""
NO_LANGUAGE = "zxx"
"""What the identifier calls text in no language, such as a log or code."""

Which = Literal["instruction", "answer"]

_NO_PROSE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)


class Told(NamedTuple):
    """What can be told of a text: its language and how likely that is, or why none can."""

    language: str | None
    probability: float = 0
    why: str = ""


class Language(Filter):
    """Drops a row when its instruction or its answer is surely in another language.

    Languages are identified by py3langid; code in fences or backticks and addresses are left out.
    A text with too few letters, or whose likeliest language is not likely enough, is one of which
    no language can be told; where nothing can be told of a row, `untold` decides.
    """

    kind: Literal["language"] = "language"
    languages: tuple[Annotated[str, Field(pattern="^[a-z]{2,3}$")], ...] = Field(min_length=1)
    """ISO 639 codes, such as `en`."""
    of: tuple[Literal["instruction", "answer"], ...] = Field(
        ("instruction", "answer"), min_length=1
    )
    """Which texts are looked at, each for itself; a seed has no answer."""
    least_characters: int = Field(60, ge=1)
    """Letters below which no language is told; of shorter English texts many look like others."""
    least_probability: float = Field(0.8, gt=0.5, le=1)
    """How likely, of all languages, the told one must be; the wanted ones count together."""
    untold: Literal["keep", "drop"] = "keep"
    """What becomes of a row of which no language can be told."""

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """The identifier must be here, and know the languages."""
        known = set(_identifier().labels)
        for language in self.languages:
            if language not in known:
                raise ConfigError(
                    f"filter language: py3langid knows no {language!r}{nearest(language, known)}"
                )

    @contextmanager
    def open(self, bench: Bench, numbers: Numbers) -> Iterator[Check]:
        """Load the identifier, then give the check; what was told is noted under `language`."""
        tell = self._teller()
        told: Counter[str] = Counter()
        untold: Counter[str] = Counter()

        def check(row: Row) -> Verdict:
            texts = {"instruction": asked_in(row), "answer": answer_of(row)}
            found = {which: tell(text) for which in self.of if (text := texts[which]) is not None}
            told.update(one.language for one in found.values() if one.language is not None)
            untold.update(one.why for one in found.values() if one.language is None)
            return self._verdict(found)

        yield check
        numbers[self.kind] = {
            "told": dict(told.most_common()),
            "untold": dict(untold.most_common()),
        }

    def _verdict(self, found: Mapping[Which, Told]) -> Verdict:
        for which, one in found.items():
            if one.language is not None and one.language not in self.languages:
                probability = round(one.probability, 3)
                return self.drop(f"{which} in {one.language}", probability=probability)
        known = any(one.language is not None for one in found.values())
        if known or not found or self.untold == "keep":
            return self.keep()
        return self.drop(f"language untold: {next(iter(found.values())).why}")

    def _teller(self) -> Callable[[str], Told]:
        identifier, wanted = _identifier(), set(self.languages)

        def tell(text: str) -> Told:
            prose = _NO_PROSE.sub(" ", text[:SEEN])
            if sum(map(str.isalpha, prose)) < self.least_characters:
                return Told(None, why="too short")
            ranked = identifier.rank(prose)
            hoped = [(language, likely) for language, likely in ranked if language in wanted]
            together = sum(likely for _, likely in hoped)
            if together >= self.least_probability:
                return Told(hoped[0][0], together)
            language, likely = ranked[0]
            if likely < self.least_probability or language == NO_LANGUAGE:
                return Told(None, why="too mixed")
            return Told(language, likely)

        return tell


@cache
def _identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise MissingExtra(
            "filter language needs py3langid; pip install 'openbezoar[filters]'"
        ) from None
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
