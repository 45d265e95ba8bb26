"""What came out is compared byte by byte, then number by number within bounds."""

from pathlib import Path
from typing import Any

import pytest

from openbezoar.account import Account
from openbezoar.errors import StoreError
from openbezoar.records import Score
from openbezoar.reproduction.comparing import Number, compare
from openbezoar.store import Artifact, Manifest
from tests.reproduction.conftest import Make


def artifact(stage: str = "eval", numbers: Any = None, **given: Any) -> Artifact:
    manifest = Manifest(
        stage=stage, kind=given.get("kind", "evaluate"), makes="scores", fingerprint="f" * 64,
        science={}, inputs=given.get("inputs", {}), numbers=numbers or {},
        files=given.get("files", {}), run={"finished": given.get("finished", "then")},
    )  # fmt: skip
    return Artifact(Path(stage), manifest)


def score(value: float | None, error: float | None = None) -> dict[str, Any]:
    return Score(name="acc", value=value, n=50, standard_error=error).model_dump(mode="json")


def told(then: Any) -> Account:
    return Account(recipe="", made=(artifact(numbers=then).manifest,))


def test_the_same_recipe_gives_the_same_bytes(account: Account, make: Make) -> None:
    lines = compare(account, make("elsewhere"), 0.0)
    assert {line.outcome for line in lines} == {"bytes equal"}
    assert [line.stage for line in lines] == ["seeds", "rows", "kept"]
    assert lines[0].files == "2 of 2"


def test_another_answer_differs_only_in_its_bytes(account: Account, make: Make) -> None:
    lines = compare(account, make("elsewhere", "models.teacher.lines.0.reply=Yes, surely."), 0.0)
    assert [line.outcome for line in lines] == [
        "bytes equal",
        "within tolerance",
        "within tolerance",
    ]


def test_a_row_that_is_lost_differs(account: Account, make: Make) -> None:
    made = make("elsewhere", "stages.rows.limit=1")
    assert compare(account, made, 0.01)[-1].beyond


def test_the_very_store_of_the_run_reproduces_nothing(account: Account, make: Make) -> None:
    with pytest.raises(StoreError, match=r"this store holds the run itself; .* --store DIR"):
        compare(account, make(), 0.01)


@pytest.mark.parametrize(
    ("then", "now", "within"),
    [
        ({"loss": 2.0}, {"loss": 2.02}, True),
        ({"loss": 2.0}, {"loss": 2.0201}, False),
        ({"loss": 0.0}, {"loss": 1e-6}, False),
        ({"loss": 2.0}, {"loss": None}, False),
        ({"loss": None}, {"loss": None}, True),
        ({"loss": None}, {"loss": 0.0}, False),
        ({"lost": {"short": 3}}, {"lost": {}}, False),
        ({}, {"lost": 1}, False),
        ({"n": 1, "why": "a", "ok": True}, {"n": 1, "why": "b", "ok": False}, True),
        ({"loss": 2.0}, {"loss": float("nan")}, False),
        ({"rows": 10**400}, {"rows": 3}, False),
        ({"rows": 3}, {"rows": 10**400}, False),
        ({"scores": [score(0.5, 0.07)]}, {"scores": [score(0.57, 0.01)]}, True),
        ({"scores": [score(0.5, 0.07)]}, {"scores": [score(0.58, 0.5)]}, False),
        ({"scores": [score(0.5)]}, {"scores": [score(0.51)]}, False),
        ({"list": [1, 2]}, {"list": [1]}, False),
    ],
)
def test_a_number_may_move_by_a_share_of_itself_a_score_by_its_error(
    then: Any, now: Any, within: bool
) -> None:
    (line,) = compare(told(then), [artifact(numbers=now, finished="now")], 0.01)
    assert (line.outcome == "within tolerance") is within


def test_a_number_beyond_names_itself_and_what_was_allowed() -> None:
    then, now = {"scores": [score(0.5, 0.07)]}, {"scores": [score(0.9, 0.07)]}
    (line,) = compare(told(then), [artifact(numbers=now, finished="now")], 0.01)
    assert line.beyond == (Number("scores.acc.value", 0.5, 0.9, 0.07),)
    assert line.numbers == "4 of 5"


def test_a_card_s_scores_are_compared_with_what_measured_its_model() -> None:
    scores = (Score(name="acc", value=0.5, n=0, standard_error=0.06),)
    card = Account(recipe="", fingerprint="abc", scores=scores)
    other = artifact("eval_base", {"scores": [score(0.9, 0.0)]}, inputs={"base": "fff"})
    ours = artifact("eval", {"scores": [score(0.55, 0.07)]}, inputs={"model": "abcdef"})
    (line,) = compare(card, [other, ours], 0.01)
    assert (line.outcome, line.numbers) == ("within tolerance", "1 of 1")
    (line,) = compare(card, [other], 0.01)
    assert line.beyond[0].now is None


def test_a_stage_that_only_one_side_tells_of_is_named() -> None:
    lines = compare(told({"rows": 1}), [artifact("other", {"rows": 1})], 0.01)
    assert [(line.stage, line.outcome) for line in lines] == [
        ("eval", "not compared"),
        ("other", "not compared"),
    ]


def test_a_manifest_without_numbers_and_files_is_equal_to_nothing() -> None:
    (line,) = compare(told({"why": "a"}), [artifact(numbers={"why": "b"}, finished="now")], 0.01)
    assert (line.outcome, line.files, line.numbers) == ("not compared", "0 of 0", "0 of 0")
