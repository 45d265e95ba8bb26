"""An adapter goes on linear layers that the model has; the others are named before it is loaded."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError
from openbezoar.training.layers import check_targets, linear_layers, stored_layers

LAYERS = "down_proj, gate_proj, k_proj, lm_head, o_proj, q_proj, up_proj, v_proj"


def test_a_checkpoint_s_files_name_the_layers_that_its_model_has(tiny_checkpoint: Path) -> None:
    from openbezoar.training.adapters import load_model

    stored = stored_layers(tiny_checkpoint)
    assert stored == linear_layers(load_model(tiny_checkpoint, "cpu", "float32"))
    assert ", ".join(sorted(stored)) == LAYERS


def test_torch_is_not_needed_to_name_them(tiny_checkpoint: Path) -> None:
    program = "import sys; from pathlib import Path; from openbezoar.training import layers; "
    program += "layers.stored_layers(Path(sys.argv[1])); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program, str(tiny_checkpoint)], check=True)


@pytest.mark.parametrize("target", ["foo_proj", "self_attn", "embed_tokens", "layers.0.q_proj"])
def test_what_is_no_linear_layer_is_refused_beside_those_there_are(
    tiny_checkpoint: Path, target: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        check_targets(("q_proj", target), stored_layers(tiny_checkpoint))
    assert str(refused.value) == (
        f"lora.targets: the model has no linear layer called {target!r}; it has {LAYERS}"
    )


def test_an_adapter_that_is_attached_looks_at_the_model_itself(
    adapted: Callable[..., Any],
) -> None:
    with pytest.raises(ConfigError, match=f"it has {LAYERS}$"):
        adapted(targets=("foo_proj",))


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(ConfigError, match=r"model\.safetensors: cannot be read .*; fetch or make"):
        stored_layers(tmp_path)
