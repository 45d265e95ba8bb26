"""The recipes that ship can be read and planned with nothing but the package at hand."""

from pathlib import Path

import pytest

from openbezoar.plan import plan
from openbezoar.recipe import load, text_of
from openbezoar.store import Store

RECIPES = sorted((Path(__file__).resolve().parents[1] / "recipes").rglob("*.yaml"))


@pytest.fixture(autouse=True)
def nothing_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data, no downloads and no key."""
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path))
    for name in ("OPENBEZOAR_DATA", "OPENAI_API_KEY", "TEACHER_API_KEY", "JUDGE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_a_shipped_recipe_is_planned_whole(path: Path, tmp_path: Path) -> None:
    recipe = load(path)
    steps = plan(recipe, Store(tmp_path / "store"))
    assert [step.name for step in steps] == list(recipe.stages)
    assert {step.state for step in steps} == {"to make"}


@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_a_shipped_recipe_says_what_it_makes_needs_and_how_to_run_it(path: Path) -> None:
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    comments = rest[: next(n for n, line in enumerate(rest) if not line.startswith("#"))]
    assert first.startswith("# ")
    assert any(line.startswith("# Needs ") for line in comments)
    assert any(line.startswith("# Run it with: ") and path.name in line for line in comments)


@pytest.mark.parametrize("name", ["quickstart", "small"])
def test_another_beta_changes_dpo_and_what_follows(name: str, tmp_path: Path) -> None:
    path = next(path for path in RECIPES if path.stem == name)
    store = Store(tmp_path / "store")
    before = {step.name: step.fingerprint for step in plan(load(path), store)}
    after = plan(load(path, ["stages.dpo.objective.beta=0.2"]), store)
    changed = [step.name for step in after if step.fingerprint != before[step.name]]
    assert changed == ["dpo", "dpo_model", "eval_dpo"]


@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_a_recipe_as_it_is_kept_makes_the_same_artifacts(path: Path, tmp_path: Path) -> None:
    recipe, kept = load(path, ["seed=7"]), tmp_path / "kept.yaml"
    kept.write_text(text_of(recipe), encoding="utf-8")
    store = Store(tmp_path / "store")
    steps = zip(plan(recipe, store), plan(load(kept), store), strict=True)
    assert all(one.fingerprint == again.fingerprint for one, again in steps)
