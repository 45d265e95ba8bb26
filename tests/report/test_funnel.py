"""The way of the rows."""

import pytest

from openbezoar.report.contents import gather
from openbezoar.report.funnel import Part, Step, chains
from tests.report.conftest import Shelf


def test_a_chain_runs_from_the_source_to_the_last_filter(line: Shelf) -> None:
    names = [[step.name for step in chain] for chain in chains(gather(line.store))]
    assert names == [["pairs"], ["instructions", "lamini", "lamini_kept"]]


def test_stages_that_share_a_source_have_a_chain_each(shelf: Shelf) -> None:
    shelf.put("seeds", "source", "seeds", {"read": 2, "rows": 2, "rejected": {}})
    for stage in ("lamini", "evol"):
        numbers = {"seeds": 2, "rows": 2, "failed": {}}
        shelf.put(stage, "generate", "examples", numbers, reads=["seeds"])
    names = [[step.name for step in chain] for chain in chains(gather(shelf.store))]
    assert names == [["seeds", "lamini"], ["seeds", "evol"]]


def test_the_chain_shows_the_very_artifact_that_was_read(shelf: Shelf) -> None:
    shelf.put("seeds", "source", "seeds", {"read": 2, "rows": 2, "rejected": {}})
    shelf.put("kept", "filter", "seeds", {"read": 2, "rows": 2, "rejected": {}}, reads=["seeds"])
    shelf.put("seeds", "source", "seeds", {"read": 9, "rows": 9, "rejected": {}}, settings={"n": 9})
    counts = [[step.given for step in chain] for chain in chains(gather(shelf.store))]
    assert counts == [[2, 2], [9]]


def test_the_commonest_reason_comes_first(line: Shelf) -> None:
    kept = chains(gather(line.store))[1][-1]
    assert list(kept.lost) == ["judged: rejected", "length: too short"]
    assert kept.kept + kept.dropped == kept.given


def test_a_scheme_may_make_more_rows_than_it_has_seeds() -> None:
    assert Step("lamini", "generate", 4, 20, {}).balance
    assert not Step("kept", "filter", 20, 18, {"too short": 1}).balance


@pytest.mark.parametrize("count", [1, 2])
def test_a_stage_of_several_filters_tells_what_each_of_them_kept(shelf: Shelf, count: int) -> None:
    filters = [
        {"filter": "length", "read": 9, "kept": 7},
        {"filter": "judged", "read": 7, "kept": 7},
    ]
    numbers = {"read": 9, "rows": 7, "rejected": {"length: x": 2}, "filters": filters[:count]}
    shelf.put("kept", "filter", "examples", numbers)
    ((step,),) = chains(gather(shelf.store))
    both = (Part("length", 7, 2), Part("judged", 7, 0))
    assert step.parts == (both if count == 2 else ())


def test_answers_that_cannot_be_read_are_told_from_those_that_a_rule_took_out(shelf: Shelf) -> None:
    failed = {"cut by the token limit": 8, "copied marker phrases": 4}
    numbers = {"seeds": 24, "draws": 22, "requests": 36, "rows": 10, "failed": failed,
               "scheme": "evol_instruct", "eliminated": {"copied marker phrases": 4}}  # fmt: skip
    shelf.put("evol", "generate", "examples", numbers)
    ((step,),) = chains(gather(shelf.store))
    assert [part[:3] for part in step.parts] == [
        ("answers", 14, 8),
        ("rules of the scheme", 10, 4),
    ]
    assert step.generated is not None
    assert (step.generated.scheme, step.generated.requests) == ("evol_instruct", 36)
