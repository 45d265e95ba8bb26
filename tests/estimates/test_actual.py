"""What was expected is put beside what was measured, and nothing is made up."""

from pathlib import Path
from typing import Any

import pytest

from openbezoar.estimates.actual import Comparison, compared, taken
from openbezoar.estimates.estimate import Estimate
from openbezoar.ranges import Range, exactly
from openbezoar.store import Artifact, Manifest


def artifact(stage: str = "rows", **run: Any) -> Artifact:
    manifest = Manifest(
        stage=stage, kind="generate", makes="examples", fingerprint=stage, science={}, inputs={},
        numbers={"rows": 8}, files={}, run=run,
    )  # fmt: skip
    return Artifact(Path(stage), manifest)


def expected(stage: str = "rows", **figures: Range) -> Estimate:
    return Estimate.model_validate(
        {"stage": stage, "kind": "generate", "fingerprint": stage, **figures}
    )


def figure(found: list[Comparison], name: str, stage: str = "rows") -> Comparison:
    (line,) = [one for one in found if (one.stage, one.figure) == (stage, name)]
    return line


def test_a_difference_is_the_likely_figures_share_of_the_measured() -> None:
    estimates = {"rows": expected(seconds=Range(low=5, likely=12, high=20))}
    line = figure(compared(estimates, [artifact(seconds=10.0)]), "seconds")
    assert line.difference == pytest.approx(0.2)
    assert line.within is True


def test_what_nobody_knew_or_measured_has_no_difference() -> None:
    found = compared({"rows": expected()}, [artifact(seconds=10.0)])
    assert figure(found, "seconds").difference is None
    found = compared({"rows": expected(seconds=exactly(3))}, [artifact()])
    assert (figure(found, "seconds").difference, figure(found, "seconds").within) == (None, None)


def test_an_artifact_that_no_run_estimated_is_left_out() -> None:
    assert compared({}, [artifact(seconds=1.0)]) == []


def test_all_in_all_adds_what_both_sides_know_and_takes_the_most_memory() -> None:
    estimates = {
        name: expected(name, seconds=exactly(4), memory_mb=exactly(mb))
        for name, mb in (("a", 100), ("b", 300))
    }
    made = [artifact("a", seconds=2.0, peak_memory_mb=90.0), artifact("b", peak_memory_mb=310.0)]
    found = compared(estimates, made)
    assert figure(found, "seconds", "total of 1 of 2 stages")[2:] == (exactly(4), 2.0)
    assert figure(found, "memory_mb", "total")[2:] == (exactly(300), 310.0)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [({"usd": 1.5}, 1.5), ({"usd": 1.5, "unpriced": 2}, None), ({"unpriced": 2}, None), ({}, None)],
)
def test_money_counts_where_all_of_it_is_known(usage: dict[str, float], usd: float | None) -> None:
    assert taken(artifact(usage=usage))["usd"] == usd


def test_a_stage_that_asked_nobody_took_no_request() -> None:
    assert taken(artifact(usage={}))["requests"] == 0
    assert taken(artifact())["requests"] is None, "nobody counted"


def test_tokens_that_a_server_did_not_count_are_unknown() -> None:
    took = taken(artifact(usage={"requests": 3, "tokens_in": 7, "uncounted": 1}))
    assert (took["requests"], took["tokens_in"], took["tokens_out"]) == (3, None, None)


def test_the_memory_of_a_gpu_is_compared_too() -> None:
    made = [artifact("a", measured={"peak_gpu_memory_mb": 80.0}), artifact("b")]
    found = compared({name: expected(name, gpu_mb=exactly(100)) for name in "ab"}, made)
    assert figure(found, "gpu_mb", "a").difference == pytest.approx(0.25)
    assert figure(found, "gpu_mb", "b").difference is None
