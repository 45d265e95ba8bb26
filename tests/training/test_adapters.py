"""Adapters are attached, saved, carried on and merged without changing what the model says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from openbezoar.errors import ConfigError
from openbezoar.training.adapters import (
    Lora,
    adapter_tensors,
    attach_adapter,
    device_for,
    load_model,
    merge_adapter,
    save_adapter,
    save_model,
    set_dropout,
)
from openbezoar.training.format import Format
from openbezoar.training.parity import compare
from tests.training.conftest import Rows
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
    with pytest.raises(ConfigError, match=r"lora\.targets: the model has no layer called 'q_prj'"):
        adapted(targets=("q_prj", "k_proj"))


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


def test_a_merged_model_answers_like_base_and_adapter(
    saved: tuple[Any, Path], tiny_checkpoint: Path, rows: Rows
) -> None:
    model, folder = saved
    merged = merge_adapter(tiny_checkpoint, folder)
    found = compare(merged, model, [row[0].ids for row in rows])
    assert found.divergence < 1e-4
    untouched = compare(load_model(tiny_checkpoint), model, [row[0].ids for row in rows])
    assert untouched.divergence > 100 * max(found.divergence, 1e-9), "the adapter matters"


def test_merged_weights_are_base_plus_update_rounded_once(
    saved: tuple[Any, Path], tiny_checkpoint: Path
) -> None:
    model, folder = saved
    base = load_model(tiny_checkpoint, precision="float32").model.layers[0].self_attn.q_proj.weight
    layer = model.get_base_model().model.layers[0].self_attn.q_proj
    update = 2.0 * (layer.lora_B["default"].weight @ layer.lora_A["default"].weight)
    merged = merge_adapter(tiny_checkpoint, folder).model.layers[0].self_attn.q_proj.weight
    assert torch.equal(merged, (base + update).to(torch.bfloat16))


def test_a_saved_model_knows_when_to_stop(
    saved: tuple[Any, Path], tiny_checkpoint: Path, format_: Format, tmp_path: Path
) -> None:
    save_model(merge_adapter(tiny_checkpoint, saved[1]), format_.tokenizer, tmp_path / "model")
    written = tmp_path / "model"
    generation = json.loads((written / "generation_config.json").read_text(encoding="utf-8"))
    assert generation["eos_token_id"] == format_.tokenizer.eos_token_id
    assert generation["pad_token_id"] != generation["eos_token_id"]
    assert [path.suffix for path in written.glob("model*")] == [".safetensors"]
    texts = [path.read_text(encoding="utf-8") for path in written.glob("*.json")]
    assert not [text for text in texts if str(tiny_checkpoint) in text]
    assert Format.load(written).fingerprint == format_.fingerprint


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
