"""A judge is found by its stage or written down, and asked through the cache of the store."""

from pathlib import Path

import pytest

from openbezoar.calibration.grading import grade, judge_of, judged_part
from openbezoar.errors import ConfigError
from openbezoar.recipe import Recipe, load
from openbezoar.store import Store
from tests.calibration.conftest import row, write_recipe


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return load(write_recipe(tmp_path))


def test_the_judge_of_a_stage_is_found(recipe: Recipe) -> None:
    assert judged_part(recipe, "kept").judge.model == "proxy"
    assert judge_of("kept", recipe) == judged_part(recipe, "kept").judge
    written = judge_of("{kind: acceptance, model: lenient}", recipe)
    assert (written.model, type(written).__name__) == ("lenient", "Acceptance")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("kpet", r"no stage 'kpet' \(did you mean 'kept'\?\)"),
        ("plain", "stages.plain: has no `judged` filter; name one of: kept"),
        ("rows", "stages.rows: has no `judged` filter"),
        ("{kind: acceptance", "not YAML"),
        ("{kind: akzeptanz, model: proxy}", "akzeptanz"),
        ("{kind: acceptance, model: poxy}", r"no model 'poxy' \(did you mean 'proxy'\?\)"),
        ("{kind: likelihood, model: proxy}", "log-probabilities, which model 'proxy'"),
        ("[kept]", "write '"),
        ("", "write '"),
    ],
)
def test_a_judge_that_cannot_be_is_refused_in_one_line(
    recipe: Recipe, text: str, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint) as failure:
        judge_of(text, recipe)
    assert "\n" not in str(failure.value)


def test_two_judges_in_a_stage_are_one_too_many(recipe: Recipe, tmp_path: Path) -> None:
    twice = "stages.kept.filters.2={kind: judged, judge: {kind: acceptance, model: lenient}}"
    with pytest.raises(ConfigError, match="has 2 `judged` filters"):
        judged_part(load(tmp_path / "recipe.yaml", [twice]), "kept")


def test_rows_are_graded_in_their_order_and_known_ones_are_not_asked_again(
    recipe: Recipe, tmp_path: Path
) -> None:
    rows = [row(f"r{n}", f"An answer of quality {n}.") for n in (7, 0, 3)]
    judge = judged_part(recipe, "kept").judge
    graded = grade(judge, rows, recipe, Store(tmp_path))
    assert [found.rating for found in graded.grades] == [7, None, 3]
    assert graded.usd_per_1000 is not None
    assert graded.usd_per_1000 > 1000, "one US dollar a token read, and four questions"
    database = (tmp_path / "completions.sqlite").stat().st_size
    assert grade(judge, rows, recipe, Store(tmp_path)) == graded
    assert (tmp_path / "completions.sqlite").stat().st_size == database


def test_a_price_that_is_not_known_is_no_price(tmp_path: Path) -> None:
    recipe = load(write_recipe(tmp_path), ["prices={}"])
    judge = judged_part(recipe, "kept").judge
    assert grade(judge, [row("r", "quality 7")], recipe, Store(tmp_path)).usd_per_1000 is None
