"""Rows joined are as long as their mean; rows that nobody has counted have no size."""

import pytest

from openbezoar.estimates.evidence import Known
from openbezoar.estimates.rows import Place, disk_of, held, mix
from openbezoar.families import Flow, Length
from openbezoar.ranges import exactly
from openbezoar.recipe import Recipe
from openbezoar.stages.mix import MixStage

RECIPE = Recipe.model_validate(
    {"name": "a", "stages": {"b": {"kind": "source", "source": {"kind": "sample", "rows": "flan"}}}}
)
SHORT = Flow(exactly(30), Length(exactly(10), exactly(4)))
LONG = Flow(exactly(10), Length(exactly(50), exactly(8)))


def mixed(*flows: Flow, **settings: object) -> Flow:
    names = tuple(f"rows_{place}" for place in range(len(flows)))
    stage = MixStage.model_validate({"rows": names, **settings})
    return mix(stage, Place("data", RECIPE, dict(zip(names, flows, strict=True)), Known({}))).flow


def test_rows_of_several_stages_are_as_long_as_their_mean() -> None:
    """30 of 10 and 10 of 50 tokens: 20 each; 30 of 4 and 10 of 8: 5 each."""
    found = mixed(SHORT, LONG, validation=0.25)
    assert (found.rows, found.valid) == (exactly(40), exactly(10))
    assert found.length == Length(exactly(20), exactly(5))


def test_a_limit_holds_for_each_stage() -> None:
    found = mixed(SHORT, LONG, limit=10)
    assert found.rows == exactly(20)
    assert found.length == Length(exactly(30), exactly(6))


@pytest.mark.parametrize("unknown", [Flow(None), Flow(None, SHORT.length)])
def test_one_unknown_makes_all_unknown(unknown: Flow) -> None:
    assert mixed(SHORT, unknown) == Flow(None)


def test_rows_of_unknown_length_make_the_mean_unknown() -> None:
    assert mixed(SHORT, Flow(exactly(5))).length is None


def test_rows_that_nobody_counted_take_an_unknown_size_and_not_none() -> None:
    assert held(Flow(None)) is None
    assert disk_of(Flow(None)) is None
    unseen = disk_of(Flow(exactly(1000)))
    assert unseen is not None
    assert unseen.likely > 0
