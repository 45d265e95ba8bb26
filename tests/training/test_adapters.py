"""Adapters are attached, saved and carried on without changing what the model says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from openbezoar.errors import ConfigError
from openbezoar.training.adapters import (
    Lora,
    adapter_tensors,
    attach_adapter,
    device_for,
    load_model,
    refuse_quantised,
    save_adapter,
    set_dropout,
)
from openbezoar.training.format import Format
from tests.training.test_logps import perturbed


@pytest.fixture
def saved(adapted: Callable[..., Any], format_: Format, tmp_path: Path) -> tuple[Any, Path]:
    """A perturbed adapter, in memory and on disk."""
    model = perturbed(adapted())
    save_adapter(model, format_.tokenizer, tmp_path / "adapter")
    return model, tmp_path / "adapter"


def test_only_the_adapter_learns(adapted: Callable[..., Any]) -> None:
    names = list(adapter_tensors(adapted()))
    assert len(names) == 2 * 3 * 2, "A and B of q, k, v in two layers"
    assert all("lora_" in name for name in names)
    assert names == sorted(names)


def test_a_new_adapter_changes_nothing(adapted: Callable[..., Any], tiny_checkpoint: Path) -> None:
    ids = torch.tensor([[3, 4, 5]])
    with torch.no_grad():
        base = load_model(tiny_checkpoint, precision="float32")(input_ids=ids).logits
        assert torch.equal(adapted()(input_ids=ids).logits, base)


def test_an_unknown_target_is_named(adapted: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match=r"lora\.targets: the model has no linear .* 'q_prj'; it"):
        adapted(targets=("q_prj", "k_proj"))


@pytest.mark.parametrize(
    "setting",
    [
        {"r": 0}, {"r": -1}, {"alpha": 0}, {"alpha": -8}, {"dropout": -1}, {"dropout": 1},
        {"dropout": 2}, {"dropout": float("nan")}, {"targets": []}, {"targets": [""]},
    ],
)  # fmt: skip
def test_an_adapter_that_makes_no_sense_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(setting))):
        Lora.model_validate(setting)


def test_a_carried_adapter_goes_on_where_it_stopped(
    saved: tuple[Any, Path], tiny_checkpoint: Path
) -> None:
    model, folder = saved
    base = load_model(tiny_checkpoint, precision="float32")
    carried = adapter_tensors(attach_adapter(base, Lora(), folder))
    original = adapter_tensors(model)
    assert list(carried) == list(original)
    assert all(torch.equal(carried[name], original[name]) for name in original)
    assert {tensor.dtype for tensor in carried.values()} == {torch.float32}


def test_a_saved_adapter_is_the_same_everywhere(
    saved: tuple[Any, Path], tiny_checkpoint: Path
) -> None:
    config = json.loads((saved[1] / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["target_modules"] == ["k_proj", "q_proj", "v_proj"]
    assert not (saved[1] / "README.md").exists()
    texts = [path.read_text(encoding="utf-8") for path in saved[1].glob("*.json")]
    assert not [text for text in texts if str(tiny_checkpoint) in text]


def test_weights_that_are_quantised_on_disk_are_refused(tmp_path: Path) -> None:
    config = {"vocab_size": 8, "quantization_config": {"load_in_4bit": True}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"its weights are quantised.*name the 16-bit checkpoint"):
        refuse_quantised(tmp_path)


def test_dropout_is_switched_without_leaving_training_mode(adapted: Callable[..., Any]) -> None:
    model = adapted(dropout=0.5)
    dropouts = [part for part in model.modules() if isinstance(part, torch.nn.Dropout)]
    set_dropout(model, on=False)
    assert [part.training for part in dropouts] == [False] * 6
    assert model.training
    set_dropout(model, on=True)
    assert [part.training for part in dropouts] == [True] * 6


def test_a_named_device_is_taken_at_its_word() -> None:
    assert device_for("cuda:1") == "cuda:1"
    assert device_for("auto") in ("cpu", "cuda")
