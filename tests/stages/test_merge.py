"""A merged model is a checkpoint that anyone can load, and says how far it is from its adapter."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbezoar import runner
from openbezoar.driver import wait_for
from openbezoar.errors import ConfigError
from openbezoar.families import Request, Sampling
from openbezoar.models.transformers import Transformers
from openbezoar.recipe import load
from openbezoar.records import Example
from openbezoar.stages.merge import MergeStage
from openbezoar.store import Artifact, Store
from openbezoar.training.format import Format
from tests.conftest import turns

TEXT = """\
name: small
models:
  student: {kind: transformers, checkpoint: CHECKPOINT}
stages:
  pairs: {kind: source, source: {kind: sample, rows: preferences}}
  data: {kind: mix, rows: [pairs], limit: 8, validation: 0.5}
  adapter:
    kind: train
    start: student
    data: data
    objective: {kind: sft}
    precision: bfloat16
    optimisation: {batch_rows: 4, max_tokens: 900, learning_rate: 1.0e-2}
    ledger: null
  merged: {kind: merge, adapter: adapter, parity_rows: 2}
"""
NF4 = "stages.adapter.precision=nf4"
Line = Callable[..., dict[str, Artifact]]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Line:
    """Run the recipe from the tiny checkpoint; what one test made, another need not make again."""
    folder = tmp_path_factory.mktemp("merge")

    def run_line(*overrides: str, text: str = TEXT) -> dict[str, Artifact]:
        path = folder / "recipe.yaml"
        path.write_text(text.replace("CHECKPOINT", str(tiny_checkpoint)), encoding="utf-8")
        made = runner.run(load(path, overrides), Store(folder / "store"), lambda stage, told: None)
        return {artifact.manifest.stage: artifact for artifact in made}

    return run_line


@pytest.mark.slow
def test_a_merged_model_stands_alone(line: Line) -> None:
    made = line()
    folder = made["merged"].folder / "model"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["dtype"] == "bfloat16"
    assert [path.name for path in folder.glob("*.safetensors")] == ["model.safetensors"]
    assert Format.load(folder).fingerprint == made["merged"].numbers["format"]
    sizes = {made[stage].numbers["vocabulary"] for stage in ("adapter", "merged")}
    assert sizes == {config["vocab_size"]}
    assert not (made["merged"].folder / "scratch").exists()


@pytest.mark.slow
def test_without_four_bits_the_two_rules_are_one(line: Line) -> None:
    numbers: Any = line("stages.merged.onto=dequantised")["merged"].numbers
    assert numbers["onto"] == "original"
    assert numbers["why"] == "trained on bfloat16 weights, so that both rules give one model"
    assert list(numbers["rules"]) == ["original"]
    assert "requantised" not in numbers
    parity = numbers["parity"]
    assert parity == numbers["rules"]["original"]
    assert 0 <= parity["kl"] < 0.01
    assert 0.8 < parity["agreement"] <= 1
    assert parity["tokens"] > parity["answer_tokens"] > 0
    assert numbers["compared_on"] == "2 validation rows of data"


@pytest.mark.slow
def test_of_the_two_rules_the_nearer_model_is_kept_and_both_are_told(line: Line) -> None:
    numbers: Any = line(NF4)["merged"].numbers
    original, dequantised = (numbers["rules"][rule] for rule in ("original", "dequantised"))
    assert dequantised["kl"] < original["kl"]
    assert (numbers["onto"], numbers["parity"]) == ("dequantised", dequantised)
    assert f"KL {dequantised['kl']:.4g} nats" in numbers["why"]
    boundary = numbers["boundary"]
    change = boundary["nll_after"] - boundary["nll_before"]
    assert change == pytest.approx(dequantised["nll_change"])
    assert boundary["within_bound"]
    assert abs(change) <= boundary["bound"] == 0.05
    assert boundary["loaded_in"] == "bfloat16"
    assert "requantised" not in numbers


AFTER = """\
  after: {kind: train, start: merged, data: data, objective: {kind: sft}, precision: PRECISION}
"""


@pytest.mark.parametrize(("precision", "used"), [("nf4", "nf4"), ("float32", "bfloat16")])
def test_a_model_is_used_as_the_stage_that_starts_from_it_loads_it(
    tmp_path: Path, precision: str, used: str
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT + AFTER.replace("PRECISION", precision), encoding="utf-8")
    [merged] = [stage for stage in load(path).stages.values() if isinstance(stage, MergeStage)]
    assert merged.used_in == used
    said = load(path, ["stages.merged.used_in=bfloat16"]).stages["merged"]
    assert isinstance(said, MergeStage)
    assert said.used_in == "bfloat16"


@pytest.mark.slow
def test_a_model_that_is_rounded_to_four_bits_again_is_compared_so(line: Line) -> None:
    """Rounding undoes a small change of weights that were rounded before, not of others."""
    small = "stages.adapter.optimisation.learning_rate=1.0e-3"
    numbers: Any = line(NF4, small, "stages.merged.used_in=nf4")["merged"].numbers
    again = numbers["requantised"]
    assert again["original"]["kl"] < again["dequantised"]["kl"]
    assert numbers["rules"]["original"]["kl"] > numbers["rules"]["dequantised"]["kl"]
    assert (numbers["onto"], numbers["boundary"]["loaded_in"]) == ("original", "nf4")
    assert numbers["parity"] == numbers["rules"]["original"]
    assert "loaded in nf4" in numbers["why"]


@pytest.mark.slow
def test_a_rule_that_is_asked_for_is_kept_though_it_is_the_farther(line: Line) -> None:
    tight = ("stages.merged.onto=original", "stages.merged.nll_bound=1.0e-9")
    numbers: Any = line(NF4, *tight)["merged"].numbers
    assert (numbers["onto"], numbers["why"]) == ("original", "onto: original")
    assert numbers["rules"]["dequantised"]["kl"] < numbers["parity"]["kl"]
    assert not numbers["boundary"]["within_bound"]


@pytest.mark.slow
def test_a_merge_that_compares_nothing_only_merges(line: Line) -> None:
    quick = ("stages.merged.onto=dequantised", "stages.merged.parity_rows=0")
    made = line(NF4, *quick, "stages.merged.shard_mb=1")["merged"]
    assert made.numbers["onto"] == "dequantised"
    assert not {"parity", "rules", "boundary", "compared_on"} & made.numbers.keys()
    assert (made.folder / "model" / "model.safetensors").exists()


@pytest.mark.slow
def test_a_data_set_without_validation_rows_is_compared_on_those_it_learned(line: Line) -> None:
    numbers = line("stages.data.validation=0")["merged"].numbers
    assert numbers["compared_on"] == "2 training rows of data"


@pytest.mark.slow
def test_a_merged_model_that_learned_to_stop_stops(line: Line, tmp_path: Path) -> None:
    rows = [Example(id=str(place), messages=turns("Ready?", "ok")) for place in range(4)]
    text = "".join(row.model_dump_json() + "\n" for row in rows)
    (tmp_path / "rows.jsonl").write_text(text, encoding="utf-8")
    source = f"{{kind: jsonl, rows: examples, path: {tmp_path}/rows.jsonl}}"
    recipe = TEXT.replace("{kind: sample, rows: preferences}", source)
    every = "[q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]"
    made = line(
        f"stages.adapter.lora={{r: 16, alpha: 32, dropout: 0, targets: {every}}}",
        "stages.adapter.optimisation={epochs: 30, batch_rows: 4, learning_rate: 5.0e-3}",
        "stages.data.validation=0", text=recipe,
    )  # fmt: skip
    folder = made["merged"].folder / "model"
    stops = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
    assert stops["eos_token_id"] == 2

    async def answered() -> Any:
        async with Transformers(checkpoint=str(folder)).connect() as model:
            sampling = Sampling(temperature=0, max_tokens=32)
            return await model.complete(Request(messages=turns("Ready?"), sampling=sampling))

    answer = wait_for(answered())
    assert (answer.text, answer.finish_reason) == ("ok", "stop")


def test_only_an_adapter_can_be_merged(line: Line) -> None:
    with pytest.raises(ConfigError, match=r"stages\.merged: reads 'data'.*it needs adapter"):
        line("stages.merged.adapter=data")


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("parity_rows=0", "parity_rows: 0 leaves nothing to tell the better by"),
        ("onto=nf4", "unknown 'nf4' .known: better, dequantised, original."),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(line: Line, setting: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        line(f"stages.merged.{setting}")
