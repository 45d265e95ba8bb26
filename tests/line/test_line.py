"""The whole line on a tiny model: every kind of stage, then plan, rerun and report."""

from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.plan import plan
from openbezoar.recipe import Recipe, load
from openbezoar.report.checkpoints import checkpoints
from openbezoar.report.contents import gather
from openbezoar.report.page import write
from openbezoar.store import Store

TEXT = """\
name: line
models:
  teacher:
    kind: scripted
    lines:
      - {match: "Write .* more examples", reply: "<example>Name the largest planet.</example>"}
      - {match: "rewrite", reply: "#Rewritten Prompt#: Explain in two steps why the sky is blue."}
      - {reply: "Because light is scattered, and blue light most of all."}
  student: {kind: transformers, checkpoint: CHECKPOINT, dtype: float32}
stages:
  instructions: {kind: source, source: {kind: sample, rows: instructions, limit: 12}}
  tasks: {kind: source, source: {kind: sample, rows: flan, limit: 12}}
  pairs: {kind: source, source: {kind: sample, rows: preferences, limit: 8}}
  orca: {kind: generate, seeds: tasks, teacher: teacher, scheme: {kind: orca, total: 8}}
  respond: {kind: generate, seeds: instructions, teacher: teacher, scheme: {kind: respond}}
  kept:
    kind: filter
    rows: respond
    filters:
      - {kind: length, answer: {least_words: 2}}
      - {kind: judged, probes: 0, judge: {kind: likelihood, model: student, least_rating: 0}}
  first: {kind: mix, rows: [kept], validation: 0.2}
  second: {kind: mix, rows: [orca], validation: 0.2}
  prefer: {kind: mix, rows: [pairs], validation: 0.25}
  sft_first: &sft
    kind: train
    start: student
    data: first
    objective: {kind: sft}
    optimisation: {batch_rows: 4, max_tokens: 2048}
    ledger: {rows: 4, answers: 2, max_tokens: 4}
  sft_second: {<<: *sft, start: sft_first, data: second}
  sft: {kind: merge, adapter: sft_second}
  chosen: {<<: *sft, start: sft, data: prefer}
  hh_sft: {kind: merge, adapter: chosen}
  dpo: {<<: *sft, start: hh_sft, data: prefer, objective: {kind: dpo}}
  final: {kind: merge, adapter: dpo}
  scores:
    kind: evaluate
    model: final
    evaluations:
      - {kind: perplexity, data: first, max_tokens: 2048}
      - {kind: preferences, data: prefer, reference: hh_sft, max_tokens: 2048}
      - &ledger {kind: ledger, data: [first, prefer], rows: 4, answers: 2, max_tokens: 4}
  scores_of_base: {kind: evaluate, model: student, evaluations: [*ledger]}
"""


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> tuple[Recipe, Store]:
    folder = tmp_path_factory.mktemp("line")
    recipe = folder / "recipe.yaml"
    recipe.write_text(TEXT.replace("CHECKPOINT", str(tiny_checkpoint)), encoding="utf-8")
    loaded, store = load(recipe), Store(folder / "store")
    runner.run(loaded, store, lambda stage, text: None)
    return loaded, store


def numbers(store: Store, stage: str) -> dict[str, object]:
    found = [one for one in store.artifacts() if one.manifest.stage == stage]
    return dict(found[-1].numbers)


@pytest.mark.slow
def test_every_stage_of_the_line_is_made(line: tuple[Recipe, Store]) -> None:
    recipe, store = line
    assert {step.state for step in plan(recipe, store)} == {"made"}


@pytest.mark.slow
def test_dpo_starts_at_ln_2_and_its_merge_is_measured(line: tuple[Recipe, Store]) -> None:
    _, store = line
    assert numbers(store, "dpo")["first_loss"] == pytest.approx(0.6931, abs=1e-3)
    scores = numbers(store, "scores")["scores"]
    assert isinstance(scores, list)
    assert {"loss.first", "preferences.prefer.reward"} <= {score["name"] for score in scores}


@pytest.mark.slow
def test_a_carried_adapter_names_the_base_it_began_on(line: tuple[Recipe, Store]) -> None:
    _, store = line
    first, second = numbers(store, "sft_first")["base"], numbers(store, "sft_second")["base"]
    assert isinstance(first, dict)
    assert first == second
    assert (first["checkpoint"], len(str(first["fingerprint"]))) == ("student", 16)
    assert "artifact" in str(numbers(store, "dpo")["base"])


@pytest.mark.slow
def test_every_checkpoint_measured_stands_in_the_ledger_of_the_line(
    line: tuple[Recipe, Store],
) -> None:
    _, store = line
    book = checkpoints(gather(store))
    assert [one.name for one in book.lines] == [
        "student", "sft_first", "sft_second", "chosen", "dpo", "final"
    ]  # fmt: skip
    assert book.columns == [
        "perplexity.first", "perplexity.prefer", "perplexity.second", "answers that stop",
        "mean tokens", "refusals", "repetition",
    ]  # fmt: skip
    rows = {mark.n for mark in book.marks("perplexity.first") if mark}
    assert len(rows) == 1, "the same rows after every checkpoint"


@pytest.mark.slow
def test_the_report_of_the_line_names_every_stage(line: tuple[Recipe, Store]) -> None:
    recipe, store = line
    page = write(store, store.root / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in recipe.stages)


@pytest.mark.slow
def test_another_beta_makes_dpo_and_what_follows_again(line: tuple[Recipe, Store]) -> None:
    recipe, store = line
    dpo = recipe.stages["dpo"].model_dump() | {"objective": {"kind": "dpo", "beta": 0.2}}
    changed = recipe.model_dump() | {"stages": recipe.model_dump()["stages"] | {"dpo": dpo}}
    steps = plan(Recipe.model_validate(changed), store)
    assert [step.name for step in steps if step.state != "made"] == ["dpo", "final", "scores"]
    assert [step.why for step in steps if step.name == "dpo"] == ["objective.beta: 0.1 → 0.2"]
