"""The scores as the index of a model card takes them: nothing there goes by another's name."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from openbezoar.cards.subject import Subject
from openbezoar.evaluations.questions import MT_BENCH, SAMPLE_TITLE
from openbezoar.records import Score

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

__all__ = ["results", "stored_name"]

RATED = {"mt_bench": "judge_rating", "mt_bench_pairs": "judge_preference"}
"""MT-Bench's methods, and what they are called on other questions than its 80."""
WHOLE = 80
"""So many questions MT-Bench has."""


class DataSet(NamedTuple):
    """What a score was measured on, by the hub's two words."""

    type: str
    name: str


def results(subject: Subject) -> "Iterator[EvalResult]":
    """Every score with a value, but parts of a score that is invalid: the card's table has all."""
    from huggingface_hub import EvalResult

    for made, numbers in subject.evaluations:
        for score in numbers.scores:
            if score.value is None or _is_part_of_invalid(score, numbers.scores):
                continue
            data, metric = _named(score)
            yield EvalResult(
                task_type="text-generation",
                dataset_type=data.type,
                dataset_name=data.name,
                metric_type=metric.partition(".")[2] or metric,
                metric_name=metric,
                metric_value=float(f"{score.value:.9g}"),
                metric_args={"command": "bezoar run recipe.yaml", "stage": made.name}
                | _told(score),
            )


def stored_name(metric: str) -> str:
    """What a store calls the score that stands in an index under this name.

    >>> stored_name("judge_rating.math"), stored_name("loss.data")
    ('mt_bench.math', 'loss.data')
    """
    names = {told: name for name, told in RATED.items()}
    family, dot, rest = metric.partition(".")
    return f"{names.get(family, family)}{dot}{rest}"


def _told(score: Score) -> dict[str, Any]:
    """How sure a score is, and all that stands beside it."""
    return {
        "n": score.n,
        "missing": score.missing,
        "low": score.low,
        "high": score.high,
        "standard_error": score.standard_error,
        "flags": [*score.flags],
        "note": score.note,
    }


def _is_part_of_invalid(score: Score, scores: Sequence[Score]) -> bool:
    """Whether it is a part of a score of the same settings that has no value."""
    return any(
        whole.value is None
        and score.name.startswith(f"{whole.name}.")
        and score.settings in ({}, whole.settings)
        for whole in scores
    )


def _named(score: Score) -> tuple[DataSet, str]:
    """The set and the metric; MT-Bench's name is for all of its own questions and no others."""
    family, _, rest = score.name.partition(".")
    if family not in RATED:
        return DataSet(family, family), score.name
    data = _questions(score)
    if data.type == MT_BENCH:
        return data, score.name
    return data, f"{RATED[family]}.{rest}" if rest else RATED[family]


def _questions(score: Score) -> DataSet:
    title, limit = score.settings.get("questions"), score.settings.get("limit")
    if title == SAMPLE_TITLE:
        return DataSet(SAMPLE_TITLE, "sample questions of OpenBezoar")
    if title != MT_BENCH:
        return DataSet("questions", f"questions of {title}" if title else "unknown questions")
    if isinstance(limit, int) and limit < WHOLE:
        return DataSet("mt_bench_part", f"{limit} of MT-Bench's {WHOLE} questions")
    return DataSet(MT_BENCH, "MT-Bench")
