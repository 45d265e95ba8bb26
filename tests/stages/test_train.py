"""The train and merge stages: an adapter is carried through data sets, merged, and aligned."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError, DataError
from openbezoar.store import Artifact
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


def test_an_optimiser_that_needs_a_gpu_is_refused_before_the_first_stage(
    line: Callable[..., dict[str, Artifact]], tmp_path: Path
) -> None:
    paged = [
        "stages.dpo.optimisation.optimiser=paged_adamw_8bit", "stages.dpo.runtime.device=cpu"
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"stages\.dpo: .*paged_adamw_8bit needs a CUDA GPU"):
        line(*paged)
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
    assert made["dpo"].numbers["validation_margin_before"] == pytest.approx(0, abs=1e-5)
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


@pytest.mark.parametrize("setting", ["r=8", "alpha=16", "targets=[q_proj]", "dropout=0.5"])
def test_a_carried_adapter_with_other_settings_is_refused(
    line: Callable[..., dict[str, Artifact]], setting: str
) -> None:
    with pytest.raises(ConfigError, match="the adapter carried from 'first' has other settings"):
        line(f"stages.second.lora.{setting}", text=upto("second"))


def test_rows_that_are_all_too_long_fail_by_name(line: Callable[..., dict[str, Artifact]]) -> None:
    with pytest.raises(DataError, match=r"stage first: no row can be trained on.*max_tokens"):
        line("stages.first.optimisation.max_tokens=20", text=upto("first"))


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
    assert numbers["reference"] == numbers["base"] == {"checkpoint": "student"}
    assert numbers["alarms"] == []


@pytest.mark.slow
def test_a_rendering_goes_with_the_model(line: Callable[..., dict[str, Artifact]]) -> None:
    made = line("stages.second.rendering=raw", text=upto("merged"))
    prints = [made[stage].numbers["format"] for stage in ("first", "second", "merged")]
    assert prints[0] != prints[1] == prints[2]


def test_rows_that_are_too_long_are_counted(line: Callable[..., dict[str, Artifact]]) -> None:
    made = line("stages.first.optimisation.max_tokens=460", text=upto("first"))["first"]
    left_out: Any = made.numbers["left_out"]
    kept: Any = made.numbers["rows"], made.numbers["validation_rows"]
    assert left_out
    assert sum(kept) + sum(left_out.values()) == 10
    assert set(left_out) <= {"train: longer than 460 tokens", "valid: longer than 460 tokens"}
