"""What a few calls took says what one more will take, and how sure that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar import runner
from openbezoar.estimates.evidence import Evidence, around, flow_of
from openbezoar.ranges import exactly
from openbezoar.recipe import load
from openbezoar.store import Artifact, Store

TEXT = """\
name: small
models:
  teacher: {kind: scripted, lines: [{reply: "Yes, indeed."}]}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}, limit: 8}
  data: {kind: mix, rows: [rows], validation: 0.25}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """The artifacts of a small run, by stage."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "recipe.yaml").write_text(TEXT, encoding="utf-8")
    found = runner.run(load(folder / "recipe.yaml"), Store(folder / "s"), lambda *told: None)
    return {artifact.manifest.stage: artifact for artifact in found}


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=20))
def test_a_mean_lies_within_its_bounds_and_no_bound_is_negative(values: list[float]) -> None:
    found = around(values)
    assert found.low >= 0
    assert found.likely == pytest.approx(sum(values) / len(values))


def test_two_standard_errors_lie_to_either_side() -> None:
    """1 and 3: mean 2, deviation sqrt(2), divided by sqrt(2) 1, twice that 2."""
    found = around([1, 3])
    assert (found.low, found.likely, found.high) == pytest.approx((0, 2, 4))


def test_equal_values_are_exact_and_one_alone_is_a_guess() -> None:
    assert around([5, 5, 5]) == exactly(5)
    assert around([4]).high == 8


def test_a_call_is_what_the_asked_requests_and_answers_were(made: dict[str, Artifact]) -> None:
    each = Evidence(made["rows"], "probe").each_call()
    assert each is not None
    assert each.requests == exactly(1)
    assert each.tokens_out == exactly(2), "two words each"
    usage = Evidence(made["rows"], "probe").usage
    assert each.tokens_in.likely == pytest.approx(usage["tokens_in"] / 8)


def test_rows_and_those_set_apart_are_counted(made: dict[str, Artifact]) -> None:
    flow = flow_of(made["data"])
    assert (flow.rows, flow.valid, flow.held_out) == (exactly(8), exactly(2), exactly(2))
    assert flow_of(made["seeds"]).rows == exactly(96)
    assert flow.length is not None
    assert flow.length.answered == exactly(3), "twelve bytes"


def test_a_stage_without_calls_tells_nothing_of_them(made: dict[str, Artifact]) -> None:
    assert Evidence(made["seeds"], "earlier run").each_call() is None
