"""The shapes of base models are read where they lie, known by name, or unknown."""

import json
from pathlib import Path

import pytest

from openbezoar.estimates.shapes import Shape, shape_of

SMALL = {
    "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 10, "tie_word_embeddings": True,
}  # fmt: skip


def written(folder: Path, content: object) -> Shape | None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    return shape_of(str(folder))


def test_the_weights_are_those_that_a_pencil_counts(tmp_path: Path) -> None:
    """Heads of 2: q 8 x 8, k and v 8 x 4, o 8 x 8, three of 8 x 12; twice, and 10 x 8 once."""
    shape = written(tmp_path, SMALL)
    assert shape is not None
    assert shape.linear == 2 * (64 + 32 + 32 + 64 + 3 * 96)
    assert shape.parameters == shape.linear + 80
    assert shape.cache_bytes == 2 * 2 * 2 * 2 * 2, "keys, values: 2 layers, 2 heads of 2, 2 bytes"
    assert shape.adapter(3, ("q_proj", "v_proj")) == 3 * 2 * ((8 + 8) + (8 + 4))


def test_an_output_layer_of_its_own_counts(tmp_path: Path) -> None:
    shape = written(tmp_path, SMALL | {"tie_word_embeddings": False})
    assert shape is not None
    assert shape.parameters == shape.linear + 160


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("smollm2-135m-instruct", 134_515_008),
        ("HuggingFaceTB/SmolLM2-135M-Instruct@main", 134_515_008),
        ("openlm-research/open_llama_3b_v2", 3_426_473_600),
    ],
)
def test_the_base_models_of_the_recipes_are_known(
    name: str, parameters: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Norms are left out: less than a thousandth."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    shape = shape_of(name)
    assert shape is not None
    assert shape.parameters == pytest.approx(parameters, rel=1e-3)


def test_a_model_in_the_hubs_cache_is_read_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    written(tmp_path / "models--me--mine" / "snapshots" / "abc", SMALL)
    shape = shape_of("me/mine")
    assert shape is not None
    assert shape.sizes.hidden == 8


@pytest.mark.parametrize("content", [{}, [], "no", {**SMALL, "num_attention_heads": 0}])
def test_a_configuration_that_says_nothing_is_unknown(tmp_path: Path, content: object) -> None:
    assert written(tmp_path, content) is None


def test_a_model_that_is_nowhere_is_unknown(tmp_path: Path) -> None:
    assert shape_of(str(tmp_path / "absent")) is None
