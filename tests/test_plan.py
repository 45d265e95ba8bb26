"""A plan says what would be made and why, and what changes no result changes no fingerprint."""

from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.errors import ConfigError
from openbezoar.plan import Step, plan
from openbezoar.recipe import Recipe, load
from openbezoar.store import Manifest, Store

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


JUDGED = """\
name: judged
models:
  teacher: {kind: scripted, lines: [{reply: "Yes, indeed."}]}
  judge: {kind: openai, model: other, runtime: {base_url: "http://127.0.0.1:9/v1"}}
  own: {kind: scripted, lines: [{match: x, reply: "{\\"status\\": \\"Accept\\", \\"rating\\": 9}"}]}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions, limit: 3}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}}
  short: {kind: filter, rows: rows, filters: [{kind: length}]}
  kept:
    kind: filter
    rows: short
    filters: [{kind: judged, judge: {kind: acceptance, model: MODEL}}]
"""


def judged(folder: Path, model: str) -> Recipe:
    path = folder / "judged.yaml"
    path.write_text(JUDGED.replace("MODEL", model), encoding="utf-8")
    return load(path)


def test_a_judge_of_which_the_store_knows_nothing_is_untried(tmp_path: Path) -> None:
    kept = plan(judged(tmp_path, "judge"), Store(tmp_path / "store"))[-1]
    assert kept.notes == ("judge acceptance on judge: untried",)
    assert kept.warnings == ()


def test_a_judge_that_is_the_teacher_of_its_rows_is_warned_of(tmp_path: Path) -> None:
    steps = plan(judged(tmp_path, "own"), Store(tmp_path / "store"))
    assert [step.name for step in steps if step.warnings] == ["kept"]
    assert "the teacher of rows are the same model (scripted)" in steps[-1].warnings[0]


def test_a_run_repeats_the_warning_notes_it_and_then_knows_its_judge(tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    recipe, store = judged(tmp_path, "own"), Store(tmp_path / "store")
    made = runner.run(recipe, store, lambda stage, text: said.append((stage, text)))
    (warning,) = plan(recipe, store)[-1].warnings
    assert ("kept", f"warning: {warning}") in said
    assert made[-1].numbers["warnings"] == [warning]
    (note,) = plan(recipe, store)[-1].notes
    assert note.startswith("judge acceptance on own: AUC 0.50 (")


RECIPES = sorted((Path(__file__).parents[1] / "recipes").rglob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.stem))
def test_every_shipped_recipe_can_be_planned(tmp_path: Path, path: Path) -> None:
    found = plan(load(path), Store(tmp_path))
    assert {step.state for step in found} == {"to make"}
    assert len(prints(found)) == len(set(prints(found).values())) == len(found)


@pytest.mark.parametrize("override", ["budget={tokens: 9}", "prices={m: {input: 1, output: 2}}"])
def test_money_changes_no_fingerprint(tmp_path: Path, override: str) -> None:
    assert prints(steps(tmp_path, override)) == prints(steps(tmp_path))


MEASURED = """\
name: measured
models:
  judge: {kind: scripted, lines: [{reply: "5"}]}
  student: {kind: transformers, checkpoint: nowhere}
stages:
  seeds: {kind: source, source: {kind: sample, rows: preferences}}
  kept: {kind: filter, rows: seeds, filters: [FILTER]}
  data: {kind: mix, rows: [kept]}
  learned: {kind: train, start: student, data: data, objective: {kind: dpo}}
  again: {kind: train, start: student, data: data, objective: {kind: dpo}}
  measured:
    kind: evaluate
    model: student
    evaluations:
      - {kind: harness, data: sample}
      - {kind: preferences, data: data}
"""


def measured(folder: Path, filter_: str, *overrides: str) -> dict[str, Step]:
    path = folder / "measured.yaml"
    path.write_text(MEASURED.replace("FILTER", filter_), encoding="utf-8")
    return {step.name: step for step in plan(load(path, overrides), Store(folder / "store"))}


def run_kept(folder: Path, filter_: str) -> None:
    """Make the stages up to the filter, of the recipe as a whole."""
    steps = measured(folder, filter_)
    store = Store(folder / "store")
    for name in ("seeds", "kept"):
        made = Manifest(
            stage=name, kind="", makes="", fingerprint=steps[name].fingerprint,
            science=steps[name].science, inputs=steps[name].inputs, numbers={}, files={}, run={},
        )  # fmt: skip
        store.commit(store.begin(name, made.fingerprint), made)


MORE = (
    "stages.measured.evaluations=[{kind: harness, data: sample},"
    " {kind: mt_bench, judge: judge}, {kind: preferences, data: data}]"
)


def test_another_benchmark_makes_the_search_for_it_again_and_says_why(tmp_path: Path) -> None:
    run_kept(tmp_path, "{kind: contamination}")
    assert measured(tmp_path, "{kind: contamination}")["kept"].state == "made"
    more = measured(tmp_path, "{kind: contamination}", MORE)
    assert more["seeds"].state == "made"
    assert more["kept"].state == "to make again"
    assert more["kept"].why.startswith("benchmarks.sample_questions: None → [")


def test_other_settings_of_an_evaluation_leave_the_rows_as_they_are(tmp_path: Path) -> None:
    run_kept(tmp_path, "{kind: contamination}")
    shots = "stages.measured.evaluations.0.shots=5"
    found = measured(tmp_path, "{kind: contamination}", shots)
    assert (found["kept"].state, found["measured"].state) == ("made", "to make")


def test_a_stage_that_looks_for_no_benchmark_heeds_none(tmp_path: Path) -> None:
    run_kept(tmp_path, "{kind: length}")
    assert measured(tmp_path, "{kind: length}", MORE)["kept"].state == "made"


def test_rows_that_are_not_searched_for_benchmarks_are_warned_of_in_one_line(
    tmp_path: Path,
) -> None:
    found = measured(tmp_path, "{kind: length}")
    assert [step.name for step in found.values() if step.warnings] == ["learned"]
    (warning,) = found["learned"].warnings
    assert warning.startswith(
        "what learned, again will learn from is not searched for the items of sample_choices; "
    )


@pytest.mark.parametrize(
    ("filter_", "override"),
    [
        ("{kind: contamination}", "seed=1"),
        ("{kind: length}", "stages.measured.evaluations=[{kind: preferences, data: data}]"),
    ],
    ids=["searched", "no benchmark"],
)
def test_rows_that_are_searched_or_need_not_be_are_not_warned_of(
    tmp_path: Path, filter_: str, override: str
) -> None:
    found = measured(tmp_path, filter_, override)
    assert all(step.warnings == () for step in found.values())


def test_a_search_for_nothing_is_refused_with_its_place(tmp_path: Path) -> None:
    alone = "stages.measured.evaluations=[{kind: preferences, data: data}]"
    with pytest.raises(ConfigError, match=r"stages\.kept: contamination: no evaluate stage"):
        measured(tmp_path, "{kind: contamination}", alone)
