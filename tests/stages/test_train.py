"""The train and merge stages: an adapter is carried through data sets, merged, and aligned."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from openbezoar.errors import ConfigError, DataError, ModelError
from openbezoar.recipe import load
from openbezoar.stages.start import print_of
from openbezoar.store import Artifact
from openbezoar.training.format import Format
from tests.stages.conftest import Run, content

TEXT = """\
name: small
models:
  student: {kind: transformers, checkpoint: CHECKPOINT}
stages:
  pairs: {kind: source, source: {kind: sample, rows: preferences}}
  data: {kind: mix, rows: [pairs], limit: 10, validation: 0.3}
  first: &train
    kind: train
    start: student
    data: data
    objective: {kind: sft}
    precision: float32
    lora: {r: 4, alpha: 8}
    optimisation: {batch_rows: 4, learning_rate: 1.0e-2, max_tokens: 900}
    ledger: {rows: 8, answers: 2, max_tokens: 4}
  second: {<<: *train, start: first}
  merged: {kind: merge, adapter: second, parity_rows: 2}
  dpo: {<<: *train, start: merged, objective: {kind: dpo}}
  aligned: {kind: merge, adapter: dpo, parity_rows: 1}
"""


@pytest.fixture
def line(run: Run, tiny_checkpoint: Path) -> Callable[..., dict[str, Artifact]]:
    """Run the recipe from the tiny checkpoint."""

    def run_line(*overrides: str, text: str = TEXT, store: str = "store") -> dict[str, Artifact]:
        return run(text.replace("CHECKPOINT", str(tiny_checkpoint)), *overrides, store=store)

    return run_line


def upto(stage: str) -> str:
    """The recipe up to a stage."""
    lines = TEXT.splitlines(keepends=True)
    names = [place for place, line in enumerate(lines) if line.startswith("  ") and line[2] != " "]
    last = next(place for place in names if lines[place].startswith(f"  {stage}:"))
    after = [place for place in names if place > last]
    return "".join(lines[: after[0]] if after else lines)


def test_an_optimiser_that_the_device_lacks_is_refused_before_the_first_stage(
    line: Callable[..., dict[str, Artifact]], tmp_path: Path
) -> None:
    paged = [
        "stages.dpo.optimisation.optimiser=paged_adamw_8bit", "stages.dpo.runtime.device=mps"
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"stages\.dpo: .*paged_adamw_8bit does not run on mps"):
        line(*paged)
    assert not list((tmp_path / "store").glob("pairs-*"))


@pytest.mark.parametrize("stage", ["first", "dpo"])
def test_an_adapter_on_layers_that_are_not_there_is_refused_before_the_first_stage(
    line: Callable[..., dict[str, Artifact]], tmp_path: Path, stage: str
) -> None:
    text = TEXT if stage == "dpo" else upto("first")
    with pytest.raises(ConfigError) as refused:
        line(f"stages.{stage}.lora.targets=[q_proj, foo_proj]", text=text)
    told = f"stages.{stage}: lora.targets: the model has no linear layer called 'foo_proj'; it has"
    assert str(refused.value).startswith(f"{told} down_proj, gate_proj, ")
    assert not list((tmp_path / "store").glob("pairs-*"))


def test_a_missing_extra_is_told_before_the_first_stage() -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from openbezoar.errors import MissingExtra\n"
        "from openbezoar.stages.train import TrainStage\n"
        "stage = TrainStage.model_validate("
        "{'start': 'a', 'data': 'b', 'objective': {'kind': 'sft'}})\n"
        "try: stage.check_ready({})\n"
        "except MissingExtra as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "pip install 'openbezoar[train]'" in ran.stdout


@pytest.mark.slow
def test_the_line_ends_in_an_aligned_model(line: Callable[..., dict[str, Artifact]]) -> None:
    made = line()
    for stage in ("first", "second", "dpo"):
        numbers: Any = made[stage].numbers
        assert numbers["validation_loss_after"] < numbers["validation_loss_before"], stage
        assert numbers["rows"] + numbers["validation_rows"] == 10
    first, second = made["first"].numbers, made["second"].numbers
    assert second["validation_loss_before"] == pytest.approx(first["validation_loss_after"])
    assert made["dpo"].numbers["first_loss"] == pytest.approx(0.6931, abs=1e-4)
    assert len({made[stage].numbers["vocabulary"] for stage in ("first", "merged", "dpo")}) == 1
    assert made["dpo"].numbers["validation_margin_before"] == pytest.approx(0, abs=1e-5)
    assert made["dpo"].numbers["validation_accuracy_before"] is None
    assert 0 <= float(str(made["dpo"].numbers["validation_accuracy_after"])) <= 1
    parity: Any = made["merged"].numbers["parity"]
    assert parity["kl"] < 1e-3
    assert (made["aligned"].folder / "model" / "model.safetensors").exists()
    metrics = (made["dpo"].folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(metrics[-1])["step"] == made["dpo"].numbers["steps"]


@pytest.mark.slow
def test_two_stores_hold_the_same_bytes(line: Callable[..., dict[str, Artifact]]) -> None:
    text = upto("merged")
    one, other = line(text=text, store="a"), line(text=text, store="b")
    for stage in ("first", "second", "merged"):
        assert content(one[stage]) == content(other[stage]), stage
        assert one[stage].manifest.numbers == other[stage].manifest.numbers


def metrics(artifact: Artifact) -> list[dict[str, float]]:
    lines = (artifact.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.slow
def test_a_stage_in_two_processes_measures_what_it_measures_in_one(
    line: Callable[..., dict[str, Artifact]],
) -> None:
    settings = ["stages.first.lora.dropout=0", "stages.first.optimisation.evaluate_every=1"]
    text = upto("first")
    one = line(*settings, text=text, store="one")["first"]
    two = line(*settings, "stages.first.runtime.processes=2", text=text, store="two")["first"]
    assert one.manifest.fingerprint == two.manifest.fingerprint
    for alone, shared in zip(metrics(one), metrics(two), strict=True):
        assert shared == pytest.approx(alone, rel=1e-4, abs=1e-6)
    for artifact in (one, two):
        measured: Any = artifact.manifest.run["measured"]
        assert measured.keys() == {"seconds", "tokens_per_second", "peak_memory_mb"}
        assert all(value > 0 for value in measured.values())


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("lora.r=8", "lora.r is 8, there 4"),
        ("lora.alpha=16", "lora.alpha is 16, there 8"),
        ("lora.dropout=0.5", "lora.dropout is 0.5, there 0.05"),
        ("lora.targets=[q_proj]", "lora.targets is [q_proj], there [k_proj, q_proj, v_proj]"),
        ("precision=nf4", "precision is nf4, there float32"),
        ("lora={r: 8, alpha: 16}", "lora.r is 8, there 4; lora.alpha is 16, there 8"),
    ],
)
def test_a_carried_adapter_with_other_settings_is_refused_before_anything_is_made(
    line: Callable[..., dict[str, Artifact]], tmp_path: Path, setting: str, told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        line(f"stages.second.{setting}", text=upto("second"))
    assert f"stages.second: goes on with the adapter of 'first', but {told}: " in str(refused.value)
    assert "carry: merge" in str(refused.value)
    assert not (tmp_path / "store").exists()


def test_targets_in_another_order_are_the_same_adapter(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(upto("second"), encoding="utf-8")
    stages = load(path, ["stages.second.lora.targets=[v_proj, q_proj, k_proj]"]).stages
    stages["second"].check_stages(stages)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (["stages.first.carry=merge"], "'student' holds checkpoint, so there is no adapter to"),
        (["stages.dpo.carry=merge"], "'merged' holds model, so there is no adapter to merge"),
        (["stages.dpo.start=second"], "so write carry: merge, or start from a merge stage"),
        (["stages.first.keep=best"], "say how often there is one with optimisation.evaluate_every"),
    ],
)
def test_what_cannot_be_carried_or_kept_is_refused(
    line: Callable[..., dict[str, Artifact]], settings: list[str], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        line(*settings)


@pytest.mark.slow
def test_a_carried_adapter_can_be_merged_and_a_new_one_begun_on_top(
    line: Callable[..., dict[str, Artifact]],
) -> None:
    text = TEXT.replace("  merged: {kind: merge, adapter: second, parity_rows: 2}\n", "")
    made = line(
        "stages.second.carry=merge", "stages.second.lora={r: 2, alpha: 4}",
        "stages.dpo.start=second", "stages.dpo.carry=merge", text=text,
    )  # fmt: skip
    first, second, dpo = (made[name].numbers for name in ("first", "second", "dpo"))
    merged: Any = second["merged"]
    assert (merged["onto"], merged["parity"]["kl"] < 1e-3) == ("original", True)
    assert merged["boundary"]["loaded_in"] == "bfloat16"
    after: Any = first["validation_loss_after"]
    assert second["validation_loss_before"] == pytest.approx(after, abs=0.02)
    assert dpo["first_loss"] == pytest.approx(0.6931, abs=1e-4)
    base: Any = dpo["base"]
    assert base == {"folder": "base", "fingerprint": print_of(made["dpo"].folder / "base")}
    assert (made["aligned"].folder / "model" / "model.safetensors").exists()
    ledger: Any = dpo["ledger"]
    assert ledger["losses"]["data"]["since"] == "second"


@pytest.mark.slow
def test_a_stage_goes_on_with_an_adapter_whose_base_is_in_an_artifact_of_training(
    line: Callable[..., dict[str, Artifact]],
) -> None:
    text = upto("second") + "  third: {<<: *train, start: second}\n"
    made = line("stages.second.carry=merge", text=text)
    base: Any = made["third"].numbers["base"]
    print_ = made["second"].manifest.fingerprint
    assert (base["artifact"], base["folder"]) == (print_, "base")
    before, after = made["third"].numbers, made["second"].numbers
    assert before["validation_loss_before"] == pytest.approx(after["validation_loss_after"])


@pytest.mark.slow
def test_the_best_adapter_is_kept_where_that_is_asked(
    line: Callable[..., dict[str, Artifact]],
) -> None:
    settings = ["evaluate_every=1", "epochs=6", "learning_rate=0.3"]
    made = line(
        *(f"stages.first.optimisation.{setting}" for setting in settings),
        "stages.first.keep=best", text=upto("first"),
    )  # fmt: skip
    text = (made["first"].folder / "metrics.jsonl").read_text(encoding="utf-8")
    losses = [json.loads(line)["valid_loss"] for line in text.splitlines()]
    step: Any = made["first"].numbers["kept_step"]
    assert losses[step] == min(losses[1:])
    assert made["first"].numbers["validation_loss_after"] == losses[step]


@pytest.mark.slow
def test_every_train_stage_tells_what_it_leaves_behind(
    line: Callable[..., dict[str, Artifact]],
) -> None:
    made = line("stages.first.ledger={rows: 8, answers: 2, max_tokens: 4}", text=upto("second"))
    ledgers: Any = [made[name].numbers["ledger"] for name in ("first", "second")]
    own = ledgers[0]["losses"]["data"]
    assert own["loss"] == pytest.approx(made["first"].numbers["validation_loss_after"], abs=1e-4)
    assert own["rows"] == made["first"].numbers["validation_rows"]
    change = ledgers[1]["losses"]["data"]["loss"] - own["loss"]
    assert ledgers[1]["losses"]["data"]["change"] == pytest.approx(change)
    assert ledgers[0]["figures"]["stopped"]["n"] == 2


def test_rows_that_are_all_too_long_fail_by_name(line: Callable[..., dict[str, Artifact]]) -> None:
    with pytest.raises(DataError, match=r"stage first: no row can be trained on.*max_tokens"):
        line("stages.first.optimisation.max_tokens=20", text=upto("first"))


def test_a_base_whose_weights_are_quantised_is_refused(
    line: Callable[..., dict[str, Artifact]], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    base = shutil.copytree(tiny_checkpoint, tmp_path / "base")
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (base / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"its weights are quantised.*name the 16-bit checkpoint"):
        line(f"models.student.checkpoint={base}", text=upto("first"))


@pytest.mark.parametrize(
    ("share", "told"),
    [(0.3, "the validation loss is nan with the rows"), (0, "the loss at step 1 is nan with the")],
)
def test_weights_that_give_no_number_stop_the_stage_with_the_rows(
    line: Callable[..., dict[str, Artifact]], tiny_checkpoint: Path, tmp_path: Path,
    share: float, told: str,
) -> None:  # fmt: skip
    base = shutil.copytree(tiny_checkpoint, tmp_path / "base")
    tensors = load_file(base / "model.safetensors")
    tensors["model.norm.weight"].fill_(float("nan"))
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    settings = [f"models.student.checkpoint={base}", f"stages.data.validation={share}"]
    with pytest.raises(ModelError, match=told) as caught:
        line(*settings, text=upto("first"))
    assert " preference-" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_best_is_not_kept_without_rows_to_tell_it_by(
    line: Callable[..., dict[str, Artifact]],
) -> None:
    settings = ["stages.first.keep=best", "stages.first.optimisation.evaluate_every=1"]
    with pytest.raises(
        DataError, match=r"stage first: keep: best needs validation rows, and 'data'"
    ):
        line(*settings, "stages.data.validation=0", text=upto("first"))


def test_pairs_that_are_cut_or_left_out_are_counted(
    line: Callable[..., dict[str, Artifact]],
) -> None:
    """The prompt alone takes 260 characters and more of 560; whole pairs take up to 900."""
    text = upto("data") + TEXT[TEXT.index("  first:") : TEXT.index("  second:")]
    objective = "stages.first.objective={kind: dpo, max_prompt_tokens: 300}"
    made = line(objective, "stages.first.optimisation.max_tokens=400", text=text)["first"]
    numbers: Any = made.numbers
    assert numbers["rows"] + numbers["validation_rows"] + sum(numbers["left_out"].values()) == 10
    reasons = {reason.partition(": ")[2] for reason in numbers["left_out"]}
    assert reasons == {"prompt alone longer than 300 tokens"}
    assert {what.partition(": ")[2] for what in numbers["cut"]} >= {"answer"}
    assert numbers["reference"] == numbers["base"]
    assert numbers["reference"]["checkpoint"] == "student"
    assert numbers["alarms"] == []


@pytest.mark.slow
def test_a_rendering_goes_with_the_model(line: Callable[..., dict[str, Artifact]]) -> None:
    renderings = [f"stages.{stage}.rendering=raw" for stage in ("first", "second", "dpo")]
    made = line(*renderings)
    prints = {made[stage].numbers["format"] for stage in ("first", "second", "merged", "aligned")}
    served = Format.load(made["aligned"].folder / "model")
    assert prints == {served.fingerprint}
    assert served.rendering == "raw"


@pytest.mark.parametrize(("stage", "start"), [("second", "first"), ("dpo", "merged")])
def test_what_was_trained_in_one_rendering_is_not_trained_on_in_another(
    line: Callable[..., dict[str, Artifact]], tmp_path: Path, stage: str, start: str
) -> None:
    told = f"stages.{stage}: rendering is raw, but '{start}', which it starts from, was trained in"
    with pytest.raises(ConfigError, match=told):
        line(f"stages.{stage}.rendering=raw")
    assert not (tmp_path / "store").exists()


def test_rows_that_are_too_long_are_counted(line: Callable[..., dict[str, Artifact]]) -> None:
    made = line("stages.first.optimisation.max_tokens=460", text=upto("first"))["first"]
    left_out: Any = made.numbers["left_out"]
    kept: Any = made.numbers["rows"], made.numbers["validation_rows"]
    assert left_out
    assert sum(kept) + sum(left_out.values()) == 10
    assert set(left_out) <= {"train: longer than 460 tokens", "valid: longer than 460 tokens"}
