"""An adapter goes on linear layers that the model has; the others are named before it is loaded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError
from openbezoar.training.layers import check_targets, empty_model

LAYERS = "down_proj, gate_proj, k_proj, lm_head, o_proj, q_proj, up_proj, v_proj"


def test_the_layers_there_are_can_be_named_without_weights(tiny_checkpoint: Path) -> None:
    model = empty_model(tiny_checkpoint)
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
    check_targets(("q_proj", "down_proj"), model)


@pytest.mark.parametrize("target", ["foo_proj", "self_attn", "embed_tokens", "layers.0.q_proj"])
def test_what_is_no_linear_layer_is_refused_beside_those_there_are(
    tiny_checkpoint: Path, target: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        check_targets(("q_proj", target), empty_model(tiny_checkpoint))
    assert str(refused.value) == (
        f"lora.targets: the model has no linear layer called {target!r}; it has {LAYERS}"
    )


def test_a_loaded_model_has_the_layers_of_an_empty_one(
    adapted: Callable[..., Any], tiny_checkpoint: Path
) -> None:
    names = {name for name, _ in empty_model(tiny_checkpoint).named_modules()}
    with pytest.raises(ConfigError, match=f"it has {LAYERS}$"):
        adapted(targets=("foo_proj",))
    assert any(name.endswith("q_proj") for name in names)


@pytest.mark.parametrize("config", [{"model_type": "banana"}, {"model_type": "vit"}, {}])
def test_a_checkpoint_of_no_language_model_is_one_line(tmp_path: Path, config: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ConfigError, match="transformers makes no language model of it") as refused:
        empty_model(tmp_path)
    assert "\n" not in str(refused.value)
