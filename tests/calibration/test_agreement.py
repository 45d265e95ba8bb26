"""Agreement and thresholds are what scikit-learn computes, and what a pencil does."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbezoar.calibration.agreement import (
    Judgement,
    agreement,
    choose,
    curve,
    discrimination,
    majority,
    spread,
)
from openbezoar.records import Grade


def judged(*pairs: tuple[bool, float | None]) -> list[Judgement]:
    return [Judgement(said, Grade(status="Accept", rating=rating)) for said, rating in pairs]


SIX = judged((True, 9), (True, 9), (False, 7), (True, 7), (False, 2), (False, 2))


def test_a_point_counts_what_a_threshold_keeps() -> None:
    found = [(p.threshold, p.precision.value, p.precision.n, p.recall.value) for p in curve(SIX)]
    assert found == [(2, 3 / 6, 6, 1), (7, 3 / 4, 4, 1), (9, 1, 2, 2 / 3)]


def test_the_lowest_threshold_that_reaches_the_precision_is_chosen() -> None:
    points = curve(SIX)
    assert [getattr(choose(points, wanted), "threshold", None) for wanted in (0.5, 0.75, 0.8)] == [
        2, 7, 9
    ]  # fmt: skip
    assert choose(curve(judged((False, 9), (True, 2))), 0.9) is None
    assert choose([], 0.5) is None


def test_a_row_without_a_rating_is_kept_at_no_threshold() -> None:
    (point,) = curve(judged((True, 5), (True, None)))
    assert (point.precision.n, point.recall.value) == (1, 0.5)


def test_nothing_is_known_where_nothing_was_counted() -> None:
    assert agreement([]).agreement.value is None
    assert curve([]) == []
    assert curve(judged((False, 5)))[0].recall.value is None
    assert discrimination(judged((True, 5))).value is None
    assert discrimination(SIX).value == pytest.approx(8.5 / 9)


@pytest.mark.parametrize(
    ("votes", "decided"),
    [
        ("110", "1"),
        ("111", "1"),
        ("012", None),
        ("01", None),
        ("1", "1"),
        ("", None),
        ("0011", None),
    ],
)
def test_a_majority_needs_more_votes_than_any_other(votes: str, decided: str | None) -> None:
    assert majority(votes) == decided


def test_a_long_list_of_thresholds_is_shown_from_end_to_end() -> None:
    points = curve(judged(*[(True, float(rating)) for rating in range(50)]))
    shown = [point.threshold for point in spread(points, 5)]
    assert shown == [0, 12, 24, 36, 49]
    assert spread(points[:5], 5) == points[:5]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([1.0, 4.0, 7.0, 10.0])), min_size=1))
def test_precision_and_recall_are_scikit_learns(pairs: list[tuple[bool, float]]) -> None:
    from sklearn.metrics import precision_score, recall_score

    truth = [said for said, _ in pairs]
    for point in curve(judged(*pairs)):
        kept = [rating >= point.threshold for _, rating in pairs]
        assert point.precision.value == pytest.approx(precision_score(truth, kept))
        if any(truth):
            assert point.recall.value == pytest.approx(recall_score(truth, kept))


def pandalm(folder: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(folder / "judges" / f"pandalm_{name}.json.gz", "rt", encoding="utf-8") as file:
        return list(json.load(file))


def test_the_agreement_of_gpt_35_with_three_people_is_scikit_learns(data_folder: Path) -> None:
    """999 pairs, three categories; a pair on which all three differ has no majority."""
    from sklearn.metrics import accuracy_score, cohen_kappa_score, confusion_matrix

    verdicts = {
        row["idx"]: str(row["gpt_result"])
        for row in pandalm(data_folder, "gpt-3.5-turbo-testset-v1")
    }
    people = {
        row["idx"]: majority([str(row[f"annotator{n}"]) for n in (1, 2, 3)])
        for row in pandalm(data_folder, "testset-v1")
    }
    assert len(people) == 999
    pairs = [(said, verdicts[idx]) for idx, said in people.items() if said is not None]
    found = agreement(pairs)
    human, judge = zip(*pairs, strict=True)
    assert found.agreement.value == pytest.approx(accuracy_score(human, judge), abs=1e-12)
    assert found.kappa.value == pytest.approx(cohen_kappa_score(human, judge), abs=1e-12)
    categories = sorted({*human, *judge})
    table = confusion_matrix(human, judge, labels=categories)
    for one, row in zip(categories, table, strict=True):
        assert [found.confusion.get((one, other), 0) for other in categories] == row.tolist()
