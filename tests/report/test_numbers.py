"""The numbers of manifests as a report reads them."""

from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar.report.numbers import FilterNumbers, MergeNumbers, Run, TrainNumbers, read


def test_numbers_are_read_by_the_kind_of_the_stage() -> None:
    found = read("filter", {"read": 3, "rows": 2, "rejected": {"short": 1}, "near": 4})
    assert isinstance(found, FilterNumbers)
    assert (found.rows, found.judges) == (2, ())


@pytest.mark.parametrize(
    "kind", ["source", "generate", "filter", "mix", "train", "merge", "evaluate"]
)
def test_a_manifest_without_the_numbers_of_its_kind_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError):
        read(kind, {})


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [(2.0, 1.0, False), (2.0, 2.0, True), (2.0, 3.0, True), (None, 2.0, False)],
)
def test_a_loss_that_did_not_fall_is_known(
    before: float | None, after: float | None, worse: bool
) -> None:
    numbers = TrainNumbers(
        rows=1, steps=1, tokens=1, first_loss=1, last_loss=1, validation_loss_before=before,
        validation_loss_after=after,
    )  # fmt: skip
    assert numbers.got_worse is worse


def parity(kl: float) -> dict[str, float]:
    return {"kl": kl, "agreement": 0.9, "tokens": 10}


@pytest.mark.parametrize(
    ("numbers", "rules"),
    [
        ({"rules": {"original": parity(0.3), "dequantised": parity(0.1)}, "onto": "dequantised"},
         ["dequantised", "original"]),
        ({"rules": {"original": parity(0.3)}, "onto": "original"}, ["original"]),
        ({"parity": parity(0.3)}, [""]),
        ({}, []),
    ],
)  # fmt: skip
def test_the_rule_that_was_kept_comes_first(numbers: dict[str, Any], rules: list[str]) -> None:
    found = MergeNumbers.model_validate({"parameters": 1, **numbers})
    assert [rule for rule, _ in found.parities] == rules


def test_a_run_of_which_nothing_is_known_can_be_told() -> None:
    assert Run.model_validate({}).seconds is None
