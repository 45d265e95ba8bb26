"""The index of a card: no score goes by a name that is not its own, nor without its caveats."""

from typing import Any

import pytest
from pydantic import JsonValue

from openbezoar.cards.results import results
from openbezoar.records import Score
from tests.cards.conftest import by_hand

SAMPLE: dict[str, JsonValue] = {"questions": "sample_questions", "limit": None}
MT_BENCH: dict[str, JsonValue] = {"questions": "mt_bench", "limit": None}


def index(*scores: Score) -> list[Any]:
    return [*results(by_hand("merge", "model", {"parameters": 3}, *scores))]


def rated(name: str, value: float | None = 7.0, **more: Any) -> Score:
    return Score(name=name, value=value, n=2, **more)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("mt_bench", MT_BENCH, ("mt_bench", "MT-Bench", "mt_bench")),
        ("mt_bench.math", {**MT_BENCH, "limit": 80}, ("mt_bench", "MT-Bench", "mt_bench.math")),
        (
            "mt_bench",
            {**MT_BENCH, "limit": 8},
            ("mt_bench_part", "8 of MT-Bench's 80 questions", "judge_rating"),
        ),
        (
            "mt_bench.writing",
            SAMPLE,
            ("sample_questions", "sample questions of OpenBezoar", "judge_rating.writing"),
        ),
        (
            "mt_bench_pairs.base",
            SAMPLE,
            ("sample_questions", "sample questions of OpenBezoar", "judge_preference.base"),
        ),
        ("mt_bench", {"questions": "mine"}, ("questions", "questions of mine", "judge_rating")),
        ("mt_bench", {}, ("questions", "unknown questions", "judge_rating")),
        ("arc.acc", {}, ("arc", "arc", "arc.acc")),
    ],
)
def test_only_the_questions_of_mt_bench_are_called_so(
    name: str, settings: dict[str, JsonValue], told: tuple[str, str, str]
) -> None:
    (found,) = index(rated(name, settings=settings))
    assert (found.dataset_type, found.dataset_name, found.metric_name) == told


def test_what_stands_beside_a_score_goes_with_it() -> None:
    (found,) = index(rated("mt_bench", note="embedded judge", flags=("zero",), settings=SAMPLE))
    assert (found.metric_args["note"], found.metric_args["flags"]) == ("embedded judge", ["zero"])


def test_parts_of_an_invalid_score_are_left_out_and_nothing_else() -> None:
    scores = [
        rated("mt_bench", None, settings=SAMPLE),
        rated("mt_bench.writing", 10, settings=SAMPLE),
        rated("mt_bench.judges_within_1", 1),
        rated("mt_bench", 6, settings=MT_BENCH),
        rated("mt_bench.writing", 5, settings=MT_BENCH),
        rated("mt_benchmark", 4),
    ]
    found = {one.metric_name: one.metric_value for one in index(*scores)}
    assert found == {"mt_bench": 6, "mt_bench.writing": 5, "mt_benchmark": 4}
