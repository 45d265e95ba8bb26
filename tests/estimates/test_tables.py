"""Figures have units, unknown ones say so, and limits are compared with all that may come."""

import pytest

from openbezoar.estimates.actual import Comparison
from openbezoar.estimates.estimate import Estimate, in_all
from openbezoar.estimates.tables import amount, beyond, comparison_rows, estimate_rows, span
from openbezoar.models.budget import RunBudget
from openbezoar.ranges import Range, exactly


def stage(**figures: object) -> Estimate:
    return Estimate.model_validate({"stage": "rows", "kind": "generate", **figures})


@pytest.mark.parametrize(
    ("figure", "value", "text"),
    [
        ("usd", 1234.5, "$1,234.50"),
        ("usd", 0.0123, "$0.012"),
        ("usd", 0.00001, "$0.00001"),
        ("usd", 0, "$0.00"),
        ("seconds", 42, "42 s"),
        ("seconds", 600, "10 min"),
        ("seconds", 7500, "2 h 05 min"),
        ("memory_mb", 512, "512 MB"),
        ("disk_mb", 0.2, "0.2 MB"),
        ("disk_mb", 0, "0 MB"),
        ("memory_mb", 2048, "2.0 GB"),
        ("requests", 12345.4, "12,345"),
    ],
)
def test_a_figure_is_written_with_its_unit(figure: str, value: float, text: str) -> None:
    assert amount(figure, value) == text


@pytest.mark.parametrize(
    ("estimated", "actual", "difference"),
    [(0.03, 0.02, "-"), (0, 0, None), (3, 2, "+50%"), (0.03, 2, "-98%"), (3, 0.02, "+14900%")],
)
def test_two_figures_that_both_show_as_nothing_have_no_ratio(
    estimated: float, actual: float, difference: str | None
) -> None:
    found = comparison_rows([Comparison("rows", "seconds", exactly(estimated), actual)])
    assert [row["difference"] for row in found] == ([] if difference is None else [difference])


def test_a_span_of_one_figure_is_that_figure() -> None:
    assert span("usd", exactly(2)) == "$2.00"
    assert span("usd", Range(low=1, likely=2, high=3)) == "$1.00 to $3.00"
    assert span("usd", None) == "unknown"


def test_money_that_nobody_knows_is_unknown_and_never_nothing() -> None:
    (line,) = estimate_rows([stage(unpriced=["m"])])
    assert line["usd"] == "unknown"
    (line,) = estimate_rows([stage(unpriced=["m"], usd=exactly(2))])
    assert line["usd"] == "$2.00 and unknown"
    (line,) = estimate_rows([stage()])
    assert line["usd"] is None, "nobody bills"


def test_all_in_all_is_unknown_where_one_stage_is() -> None:
    known = stage(seconds=exactly(5), memory_mb=exactly(100), usd=exactly(1))
    whole = in_all([known, stage(unpriced=["m"], memory_mb=exactly(70))])
    assert (whole.seconds, whole.usd, whole.unpriced) == (None, exactly(1), ("m",))
    assert whole.memory_mb == exactly(100), "memory is not held twice"


@pytest.mark.parametrize(
    ("budget", "says"),
    [
        (RunBudget(usd=0.5), "will likely stop at its limit of $0.5: it takes $1.00 to $3.00"),
        (RunBudget(usd=2.5), "may stop"),
        (RunBudget(usd=3.5), ""),
        (RunBudget(tokens=40), "will likely stop at its limit of 40 tokens: it takes 50 tokens to"),
        (RunBudget(tokens=70), "may stop"),
        (RunBudget(tokens=90), ""),
        (RunBudget(hours=2), ""),
        (RunBudget(hours=0.5), "will likely stop at its limit of 30 min: it takes 1 h 00 min"),
    ],
)
def test_a_limit_is_compared_with_the_likely_and_the_high_figure(
    budget: RunBudget, says: str
) -> None:
    whole = stage(
        usd=Range(low=1, likely=2, high=3), seconds=exactly(3600), tokens_in=exactly(20),
        tokens_out=Range(low=30, likely=40, high=70),
    )  # fmt: skip
    assert says in " ".join(beyond(whole, budget))
    assert bool(beyond(whole, budget)) == bool(says)


@pytest.mark.parametrize(
    ("figures", "budget", "known"),
    [
        ({}, RunBudget(hours=1), False),
        ({}, RunBudget(tokens=1), False),
        ({}, RunBudget(usd=1), True),
        ({"unpriced": ["m"]}, RunBudget(usd=1), False),
        ({"unpriced": ["m"], "usd": exactly(0.5)}, RunBudget(usd=1), False),
    ],
)
def test_a_limit_on_what_nobody_knows_is_said_to_be_one(
    figures: dict[str, object], budget: RunBudget, known: bool
) -> None:
    """Where nobody bills, no money is spent."""
    lines = beyond(stage(**figures), budget)
    assert (lines == []) is known
    assert known or "not known" in lines[0]
