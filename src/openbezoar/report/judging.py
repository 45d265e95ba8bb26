"""How the judges of a store told planted bad answers from real ones."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from openbezoar.report.contents import Contents, Made
from openbezoar.report.numbers import FilterNumbers, JudgeNumbers

__all__ = ["Trial", "trials"]

SMALL = 1e9
"""Parameters below which a model's sense of an answer is called small."""


class Trial(NamedTuple):
    """One judge, and how it was tried."""

    stage: str
    judge: str
    """The judge's kind."""
    model: str
    numbers: JudgeNumbers | None
    """Nothing where the judge was trusted untried."""
    caution: str

    @property
    def kinds(self) -> list[str]:
        """The kinds of answer, the real ones first."""
        return list(self.numbers.accepted) if self.numbers else []


def trials(contents: Contents) -> list[Trial]:
    """The trial of every judge, in the order of making."""
    return [
        _trial(made, judged)
        for made in contents.latest
        if isinstance(made.numbers, FilterNumbers)
        for judged in _judged(made)
    ]


def _judged(made: Made) -> list[Mapping[str, Any]]:
    filters = made.settings.get("filters")
    parts = (
        [part for part in filters if isinstance(part, dict)] if isinstance(filters, list) else []
    )
    asked = [part.get("judge") for part in parts]
    judges: list[Mapping[str, Any]] = [judge for judge in asked if isinstance(judge, dict)]
    # The numbers stand even where the settings do not say who judged.
    return judges or ([{}] if getattr(made.numbers, "judge", None) else [])


def _trial(made: Made, judge: Mapping[str, Any]) -> Trial:
    assert isinstance(made.numbers, FilterNumbers)  # noqa: S101 - `trials` picks filters
    kind, name = str(judge.get("kind", "unknown")), str(judge.get("model", ""))
    model = made.model(name) or name or "unknown"
    caution = _caution(model) if kind == "likelihood" else ""
    return Trial(made.name, kind, model, made.numbers.judge, caution)


def _caution(model: str) -> str:
    who = f"a small model, {model}," if _is_small(model) else model
    return (
        f"This is a likelihood judge: it reads no verdict, it measures how likely {who} "
        "finds each answer with its instruction and without it. It tells answers that do not fit "
        "from answers that do; it does not know whether an answer is true or helpful."
    )


def _is_small(model: str) -> bool:
    found = re.search(r"(\d+(?:\.\d+)?)\s?([mb])(?![a-z])", model.lower())
    return bool(found) and float(found[1]) * {"m": 1e6, "b": 1e9}[found[2]] < SMALL  # type: ignore[index]
