"""A plan knows what it can without work, says what it cannot know, and makes no zero of it."""

from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.estimates.estimate import Estimate, in_all
from openbezoar.estimates.evidence import Known
from openbezoar.estimates.forecast import forecast
from openbezoar.estimates.shapes import shape_of
from openbezoar.estimates.training_memory import weights_mb
from openbezoar.plan import plan
from openbezoar.ranges import exactly
from openbezoar.recipe import load
from openbezoar.store import Store

TEXT = """\
name: small
models:
  teacher: {kind: openai, model: nobody-knows}
  judge: {kind: openai, model: gpt-4o}
  base: {kind: transformers, checkpoint: smollm2-135m-instruct}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}, limit: 8}
  kept:
    kind: filter
    rows: rows
    filters: [{kind: judged, judge: {kind: acceptance, model: judge}, probes: 2}]
  data: {kind: mix, rows: [kept], validation: 0.25}
  tuned: {kind: train, start: base, data: data, objective: {kind: sft}}
  model: {kind: merge, adapter: tuned}
  scores: {kind: evaluate, model: model, evaluations: [{kind: perplexity, data: data}]}
"""
SCRIPTED = "models.teacher={kind: scripted, lines: [{reply: 'Yes, indeed.'}]}"


def estimates(folder: Path, *overrides: str, known: Known | None = None) -> dict[str, Estimate]:
    path = folder / "recipe.yaml"
    path.write_text(TEXT, encoding="utf-8")
    recipe, store = load(path, overrides), Store(folder / "store")
    return {one.stage: one for one in forecast(recipe, plan(recipe, store), store, known)}


def likely(figure: object) -> float:
    assert figure is not None
    return float(figure.likely)  # type: ignore[attr-defined]


def test_counts_and_limits_of_the_recipe_are_exact(tmp_path: Path) -> None:
    found = estimates(tmp_path)
    assert found["seeds"].rows == exactly(96)
    assert found["rows"].requests == exactly(8)
    assert {one.basis for one in found.values()} == {"settings"}


def test_a_judge_is_asked_about_rows_and_about_those_it_is_tried_on(tmp_path: Path) -> None:
    """Of 8 rows most are made; 2 rows, 5 bad ones and 2 hard pairs of each come first."""
    tried = likely(estimates(tmp_path)["kept"].requests)
    untried = likely(estimates(tmp_path, "stages.kept.filters.0.probes=0")["kept"].requests)
    assert tried == pytest.approx(untried + 2 * (1 + 5 + 2))


def test_money_without_a_price_is_unknown_and_the_model_is_named(tmp_path: Path) -> None:
    found = estimates(tmp_path)
    assert (found["rows"].usd, found["rows"].unpriced) == (None, ("nobody-knows",))
    assert "the price of nobody-knows is not known" in found["rows"].notes[-1]
    assert likely(found["kept"].usd) > 0
    assert (found["data"].usd, found["data"].unpriced) == (None, ()), "nobody bills"


def test_money_for_a_number_of_requests_that_nobody_knows_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path / "none"))
    overrides = ("stages.seeds.source={kind: dolly}", "stages.rows.limit=null")
    priced = "prices={nobody-knows: {input: 2, output: 0}}"
    found = estimates(tmp_path, *overrides, priced)
    assert (found["rows"].usd, found["rows"].unpriced) == (None, ("nobody-knows",))
    assert "how much gpt-4o will be asked is not known" in found["kept"].notes[-1]
    whole = in_all(list(found.values()))
    assert (whole.usd, whole.unpriced) == (None, ("nobody-knows", "gpt-4o"))


def test_a_price_counts_of_a_model_that_runs_here_too(tmp_path: Path) -> None:
    own = "models.teacher={kind: llama_cpp, model: smollm2-135m-instruct}"
    priced = "prices={smollm2-135m-instruct: {input: 1, output: 1}}"
    assert estimates(tmp_path, own)["rows"].usd is None
    assert likely(estimates(tmp_path, own, priced)["rows"].usd) > 0


UNKNOWN = ("requests", "tokens_in", "tokens_out", "seconds", "memory_mb", "disk_mb")


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("models.base.checkpoint=nobody/has-this",),
        ("models.teacher={kind: llama_cpp, model: absent.gguf}",),
        ("stages.seeds.source={kind: dolly}", "stages.rows.limit=null"),
        ("stages.scores.evaluations=[{kind: mt_bench, questions: mt_bench, judge: judge}]",),
        ("stages.scores.evaluations=[{kind: harness, tasks: [arc_easy]}]",),
    ],
)
def test_whatever_is_unknown_has_its_reason(
    tmp_path: Path, overrides: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path / "none"))
    for one in estimates(tmp_path, *overrides).values():
        unknown = [figure for figure in UNKNOWN if getattr(one, figure) is None]
        assert not unknown or one.notes, (one.stage, unknown)


def test_the_recipes_prices_are_used(tmp_path: Path) -> None:
    found = estimates(tmp_path, "prices={nobody-knows: {input: 2, output: 0}}")["rows"]
    assert likely(found.usd) == pytest.approx(likely(found.tokens_in) * 2e-6)


def test_time_is_unknown_until_the_machine_is_measured(tmp_path: Path) -> None:
    found = estimates(tmp_path)["tuned"]
    assert found.seconds is None
    assert "--probe measures it" in found.notes[0]
    slow, fast = (
        likely(estimates(tmp_path, known=Known({}, flops))["tuned"].seconds)
        for flops in (1e10, 1e12)
    )
    assert slow > fast > 0


@pytest.mark.parametrize(
    ("override", "grows"),
    [
        ("stages.tuned.runtime.recompute=true", False),
        ("stages.tuned.runtime.micro_tokens=128", False),
        ("stages.tuned.precision=float32", True),
        ("stages.tuned.lora.r=256", True),
    ],
)
def test_training_memory_follows_the_settings(tmp_path: Path, override: str, grows: bool) -> None:
    before = likely(estimates(tmp_path)["tuned"].memory_mb)
    after = likely(estimates(tmp_path, override)["tuned"].memory_mb)
    assert (after > before) == grows


def test_more_micro_batches_leave_more_holes(tmp_path: Path) -> None:
    few, many = (
        likely(estimates(tmp_path, f"stages.tuned.optimisation.epochs={epochs}")["tuned"].memory_mb)
        for epochs in (1, 50)
    )
    assert many > few


def test_weights_on_four_bits_lie_beside_their_file_on_a_processor() -> None:
    shape = shape_of("smollm2-135m-instruct")
    assert shape is not None
    file = weights_mb(shape, "bfloat16", on_gpu=False)
    assert file == pytest.approx(2 * shape.parameters / 2**20)
    rounded = weights_mb(shape, "nf4", on_gpu=True)
    assert rounded < file
    assert weights_mb(shape, "nf4", on_gpu=False) > file + rounded


def test_merging_before_a_lesson_keeps_the_weights_it_made(tmp_path: Path) -> None:
    again = (
        "stages.again={kind: train, start: tuned, carry: CARRY, data: data, objective: {kind: sft}}"
    )
    carried, merged = (
        likely(estimates(tmp_path, again.replace("CARRY", carry))["again"].disk_mb)
        for carry in ("adapter", "merge")
    )
    assert merged - carried == pytest.approx(256, abs=2), "two bytes a weight"


def test_all_weights_take_more_of_everything_than_an_adapter(tmp_path: Path) -> None:
    known = Known({}, 1e11)
    adapter = estimates(tmp_path, "stages.tuned.precision=float32", known=known)["tuned"]
    overrides = (
        "stages.tuned.precision=float32", "stages.tuned.lora=null", "stages.scores.model=tuned",
        "stages.model={kind: source, source: {kind: sample, rows: instructions}}",
    )  # fmt: skip
    whole = estimates(tmp_path, *overrides, known=known)["tuned"]
    for figure in ("memory_mb", "disk_mb", "seconds"):
        assert likely(getattr(whole, figure)) > likely(getattr(adapter, figure)), figure


def test_a_base_that_is_not_here_is_said_to_be_unknown(tmp_path: Path) -> None:
    found = estimates(tmp_path, "models.base.checkpoint=nobody/has-this")
    assert found["tuned"].memory_mb is None
    assert "sizes of its base model are not known" in found["tuned"].notes[0]


def test_data_that_is_not_here_is_said_to_be_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path / "none"))
    found = estimates(tmp_path, "stages.seeds.source={kind: dolly}", "stages.rows.limit=null")
    assert found["seeds"].rows is None
    assert "its rows were not looked at: dolly/" in found["seeds"].notes[0]
    assert found["rows"].requests is None
    memory = found["seeds"].memory_mb
    assert memory is not None
    assert memory.high > 1000, "it reads on, however many there are"


def test_what_is_made_takes_nothing_and_counts_for_what_comes_after(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    part = TEXT.split("  kept:", maxsplit=1)[0]
    path.write_text(part, encoding="utf-8")
    runner.run(load(path, [SCRIPTED]), Store(tmp_path / "store"), lambda *told: None)
    found = estimates(tmp_path, SCRIPTED)
    assert (found["rows"].basis, found["rows"].rows) == ("made", exactly(8))
    assert found["rows"].requests == found["rows"].seconds == exactly(0)
    assert likely(found["kept"].requests) > 8


def test_an_earlier_run_with_other_rows_tells_what_a_call_takes(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT.split("  kept:", maxsplit=1)[0], encoding="utf-8")
    runner.run(load(path, [SCRIPTED]), Store(tmp_path / "store"), lambda *told: None)
    found = estimates(tmp_path, SCRIPTED, "stages.rows.limit=20")["rows"]
    assert found.basis == "earlier run"
    assert found.tokens_out == exactly(40), "two words for each of 20"


@pytest.mark.parametrize(
    "override",
    [
        "models.teacher.lines.0.reply=No.",
        "stages.rows.scheme.sampling.max_tokens=9",
        "stages.rows={kind: filter, rows: seeds, filters: [{kind: duplicates, of: instruction}]}",
    ],
)
def test_other_work_under_the_same_name_tells_nothing(tmp_path: Path, override: str) -> None:
    """Another teacher, longer answers, or a stage of another kind."""
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT.split("  kept:", maxsplit=1)[0], encoding="utf-8")
    store = Store(tmp_path / "store")
    runner.run(load(path, [SCRIPTED]), store, lambda *told: None)
    recipe = load(path, [SCRIPTED, override])
    found = {one.stage: one for one in forecast(recipe, plan(recipe, store), store)}
    assert found["rows"].basis == "settings"
