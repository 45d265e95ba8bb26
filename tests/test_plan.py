"""A plan says what would be made and why, and what changes no result changes no fingerprint."""

from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.plan import Step, plan
from openbezoar.recipe import load
from openbezoar.store import Store

TEXT = """\
name: small
models:
  teacher: {kind: scripted, lines: [{reply: "Yes, indeed."}]}
stages:
  seeds:
    kind: source
    source: {kind: sample, rows: instructions}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}, limit: 4}
  kept: {kind: filter, rows: rows, filters: [{kind: refusals}]}
  data: {kind: mix, rows: [kept]}
"""


def steps(folder: Path, *overrides: str, store: Path | None = None) -> list[Step]:
    path = folder / "recipe.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return plan(load(path, overrides), Store(store or folder / "store"))


def prints(found: list[Step]) -> dict[str, str]:
    return {step.name: step.fingerprint for step in found}


def run(folder: Path, *overrides: str) -> None:
    path = folder / "recipe.yaml"
    path.write_text(TEXT, encoding="utf-8")
    runner.run(load(path, overrides), Store(folder / "store"), lambda stage, text: None)


def test_everything_is_new_in_an_empty_store(tmp_path: Path) -> None:
    found = steps(tmp_path)
    assert [(step.state, step.why) for step in found] == [("to make", "new")] * 4
    assert not (tmp_path / "store").exists(), "a plan writes nothing"


def test_what_is_made_is_kept(tmp_path: Path) -> None:
    run(tmp_path)
    assert {step.state for step in steps(tmp_path)} == {"made"}


def test_a_changed_setting_is_named_and_everything_below_is_made_again(tmp_path: Path) -> None:
    run(tmp_path)
    found = {step.name: step for step in steps(tmp_path, "stages.rows.limit=3")}
    assert found["seeds"].state == "made"
    assert (found["rows"].state, found["rows"].why) == ("to make again", "limit: 4 → 3")
    assert (found["kept"].state, found["kept"].why) == ("to make again", "rows changes")


def test_an_interrupted_stage_is_to_continue(tmp_path: Path) -> None:
    found = steps(tmp_path)
    Store(tmp_path / "store").begin("rows", found[1].fingerprint)
    assert steps(tmp_path)[1].state == "to continue"


@pytest.mark.parametrize(
    "override",
    [
        "stages.rows.runtime.concurrency=1",
        "stages.kept.runtime={concurrency: 3}",
        "name=other",
        "description=words",
    ],
)
def test_logistics_and_names_keep_every_fingerprint(tmp_path: Path, override: str) -> None:
    assert prints(steps(tmp_path, override)) == prints(steps(tmp_path))


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("seed=1", ["seeds", "rows", "kept", "data"]),
        ("stages.rows.limit=3", ["rows", "kept", "data"]),
        ("stages.rows.scheme.sampling.temperature=0", ["rows", "kept", "data"]),
        ("models.teacher.lines.0.reply=No.", ["rows", "kept", "data"]),
        ("stages.data.validation=0.5", ["data"]),
    ],
)
def test_science_changes_its_stage_and_those_below(
    tmp_path: Path, override: str, changed: list[str]
) -> None:
    before, after = prints(steps(tmp_path)), prints(steps(tmp_path, override))
    assert [name for name in before if before[name] != after[name]] == changed


def test_the_wording_of_a_schemes_prompts_is_science(tmp_path: Path) -> None:
    science = steps(tmp_path)[1].science
    assert isinstance(science, dict)
    assert science["evidence"], "a changed prompt must make its rows again"


RECIPES = sorted((Path(__file__).parents[1] / "recipes").rglob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.stem))
def test_every_shipped_recipe_can_be_planned(tmp_path: Path, path: Path) -> None:
    found = plan(load(path), Store(tmp_path))
    assert {step.state for step in found} == {"to make"}
    assert len(prints(found)) == len(set(prints(found).values())) == len(found)


@pytest.mark.parametrize("override", ["budget={tokens: 9}", "prices={m: {input: 1, output: 2}}"])
def test_money_changes_no_fingerprint(tmp_path: Path, override: str) -> None:
    assert prints(steps(tmp_path, override)) == prints(steps(tmp_path))
