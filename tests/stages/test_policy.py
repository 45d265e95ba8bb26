"""A train stage trains an adapter, or all weights of a model, and leaves what it trained."""

from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError
from openbezoar.recipe import load
from tests.stages.conftest import Run
from tests.stages.test_train import TEXT

WHOLE = [
    f"stages.{stage}.{setting}"
    for stage in ("first", "second", "dpo")
    for setting in ("lora=null", "optimisation.learning_rate=1e-3")
]
LINE = TEXT.replace("  merged: {kind: merge, adapter: second, parity_rows: 2}\n", "").replace(
    "start: merged", "start: second"
)


@pytest.fixture
def text(tiny_checkpoint: Path) -> str:
    """The line from the tiny checkpoint to dpo, without merges."""
    return LINE.replace("CHECKPOINT", str(tiny_checkpoint)).partition("  aligned:")[0]


@pytest.mark.slow
def test_all_weights_are_trained_from_stage_to_stage_without_a_merge(run: Run, text: str) -> None:
    made = run(text, *WHOLE)
    first, second, dpo = (made[stage].numbers for stage in ("first", "second", "dpo"))
    for stage in ("first", "second", "dpo"):
        assert made[stage].manifest.makes == "model"
        assert (made[stage].folder / "model" / "model.safetensors").exists()
        assert not (made[stage].folder / "adapter").exists()
    after: Any = first["validation_loss_after"]
    assert after < first["validation_loss_before"]
    assert second["validation_loss_before"] == pytest.approx(after, abs=1e-6)
    assert dpo["first_loss"] == pytest.approx(0.6931, abs=1e-4)
    reference: Any = dpo["reference"]
    assert reference["artifact"] == made["second"].manifest.fingerprint
    ledger: Any = dpo["ledger"]
    assert ledger["losses"]["data"]["since"] == "second"
    assert ledger["figures"]["stopped"]["n"] == 2


@pytest.mark.slow
def test_an_adapter_can_be_trained_on_a_model_whose_weights_were_all_trained(
    run: Run, text: str
) -> None:
    text = text.partition("  dpo:")[0] + "  merged: {kind: merge, adapter: second, parity_rows: 2}"
    made = run(text, *WHOLE[:2])
    base: Any = made["second"].numbers["base"]
    assert (base["artifact"], base["folder"]) == (made["first"].manifest.fingerprint, "model")
    assert (made["merged"].folder / "model" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (["stages.first.lora=null", "stages.first.precision=nf4"], "in nf4 most steps would be lo"),
        (["stages.first.lora=null", "stages.first.precision=bfloat16"], "in bfloat16 most steps"),
        (["stages.second.lora=null"], "lora: null trains all weights of a model, so write carry"),
        ([*WHOLE[:2], "stages.second.carry=merge"], "'first' holds model, so there is no adapter"),
    ],
)
def test_what_all_weights_cannot_be_trained_from_is_refused(
    text: str, tmp_path: Path, settings: list[str], complaint: str
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text.partition("  dpo:")[0], encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint):
        load(path, settings)
