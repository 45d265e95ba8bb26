"""Merged weights are the base's plus the update, rounded once, by either rule and in any shards."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from openbezoar.errors import ConfigError
from openbezoar.training.adapters import load_model, set_dropout
from openbezoar.training.format import Format
from openbezoar.training.merging import write_merged, write_surroundings
from openbezoar.training.parity import compare, distributions
from tests.training.conftest import Rows
from tests.training.test_logps import perturbed

Make = Callable[..., Any]
QUERY = "model.layers.0.self_attn.q_proj"
WHOLE = 1 << 40


@pytest.fixture
def merged(
    adapted: Make, tiny_checkpoint: Path, format_: Format, tmp_path: Path
) -> Callable[..., Path]:
    """Merge a perturbed adapter onto the tiny checkpoint."""

    def make(model: Any, rule: Any = "original", shard_bytes: int = WHOLE) -> Path:
        out = tmp_path / rule
        out.mkdir()
        write_merged(tiny_checkpoint, model, out, rule, shard_bytes)
        write_surroundings(tiny_checkpoint, format_.tokenizer, out)
        return out

    return make


def test_a_merged_model_answers_like_base_and_adapter(
    adapted: Make, merged: Make, tiny_checkpoint: Path, rows: Rows
) -> None:
    model, sequences = perturbed(adapted()), [row[0] for row in rows]
    reference = distributions(model, sequences)
    found = compare(load_model(merged(model)), reference, sequences)
    assert found.divergence < 1e-4
    untouched = compare(load_model(tiny_checkpoint), reference, sequences)
    assert untouched.divergence > 100 * max(found.divergence, 1e-9), "the adapter matters"


def test_merged_weights_are_base_plus_update_rounded_once(
    adapted: Make, merged: Make, tiny_checkpoint: Path
) -> None:
    model = perturbed(adapted())
    base = load_file(tiny_checkpoint / "model.safetensors")[f"{QUERY}.weight"].float()
    layer = model.get_base_model().get_submodule(QUERY)
    update = 2.0 * (layer.lora_B["default"].weight @ layer.lora_A["default"].weight).detach()
    found = load_file(merged(model) / "model.safetensors")[f"{QUERY}.weight"]
    assert torch.equal(found, (base + update).to(torch.bfloat16))


def test_onto_the_dequantised_weights_the_model_is_the_one_that_was_trained(
    adapted: Make, merged: Make, rows: Rows
) -> None:
    model, sequences = perturbed(adapted(precision="nf4")), [row[0] for row in rows]
    set_dropout(model, on=False)
    reference = distributions(model, sequences)
    original, dequantised = (
        compare(load_model(merged(model, rule)), reference, sequences)
        for rule in ("original", "dequantised")
    )
    assert dequantised.divergence < original.divergence / 10
    assert abs(dequantised.nll - dequantised.reference_nll) < 0.01


def test_layers_without_an_adapter_are_those_that_training_saw(
    adapted: Make, merged: Make, tiny_checkpoint: Path
) -> None:
    from bitsandbytes.functional import dequantize_4bit

    model = adapted(precision="nf4")
    name = "model.layers.1.mlp.up_proj"
    layer = model.get_base_model().get_submodule(name)
    seen = dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    base = load_file(tiny_checkpoint / "model.safetensors")[f"{name}.weight"]
    folders = [merged(model, rule) for rule in ("dequantised", "original")]
    found = [load_file(folder / "model.safetensors")[f"{name}.weight"] for folder in folders]
    assert torch.equal(found[0], seen.to(torch.bfloat16))
    assert torch.equal(found[1], base.to(torch.bfloat16))
    assert not torch.equal(found[0], found[1])


def test_shards_hold_the_tensors_of_one_file(
    adapted: Make, merged: Make, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    model = perturbed(adapted())
    whole = merged(model)
    one = load_file(whole / "model.safetensors")
    whole.rename(tmp_path / "whole")
    folder = merged(model, shard_bytes=20_000)
    shards = sorted(folder.glob("*.safetensors"))
    assert shards[0].name == f"model-00001-of-{len(shards):05d}.safetensors"
    assert len(shards) > 2
    assert max(shard.stat().st_size for shard in shards) < 25_000
    tensors = {name: tensor for shard in shards for name, tensor in load_file(shard).items()}
    assert one.keys() == tensors.keys() == load_file(tiny_checkpoint / "model.safetensors").keys()
    assert all(torch.equal(one[name], tensors[name]) for name in one)
    ids = torch.tensor([[1, 5, 9]])
    with torch.no_grad():
        logits = [load_model(place)(input_ids=ids).logits for place in (folder, tmp_path / "whole")]
    assert torch.equal(*logits)


def test_a_sharded_base_gives_the_weights_of_a_whole_one(
    adapted: Make, merged: Make, tiny_checkpoint: Path, format_: Format, tmp_path: Path
) -> None:
    model = perturbed(adapted())
    sharded = tmp_path / "sharded"
    load_model(tiny_checkpoint, precision="float32").save_pretrained(sharded, max_shard_size="30KB")
    assert not (sharded / "model.safetensors").exists()
    (tmp_path / "out").mkdir()
    write_merged(sharded, model, tmp_path / "out", "original", WHOLE)
    whole = load_file(merged(model) / "model.safetensors")
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(whole[name], found[name]) for name in whole)


def test_a_base_in_four_bits_is_never_merged_into(
    adapted: Make, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    quantised = tmp_path / "quantised"
    load_model(tiny_checkpoint, precision="nf4").save_pretrained(quantised)
    with pytest.raises(ConfigError, match="its weights are quantised"):
        write_merged(quantised, adapted(), tmp_path / "out", "original", WHOLE)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("problem", ["other names", "no weights"])
def test_a_base_whose_files_do_not_fit_its_layers_is_refused(
    adapted: Make, tiny_checkpoint: Path, tmp_path: Path, problem: str
) -> None:
    from safetensors.torch import save_file

    base = tmp_path / "base"
    shutil.copytree(tiny_checkpoint, base)
    tensors = load_file(base / "model.safetensors")
    (base / "model.safetensors").unlink()
    complaint = "has neither model.safetensors nor"
    if problem == "other names":
        complaint = r"holds no tensor 'model.layers.0.self_attn.k_proj.weight'.*save_pretrained"
        renamed = {name.removeprefix("model."): tensor for name, tensor in tensors.items()}
        save_file(renamed, base / "model.safetensors")
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match=complaint):
        write_merged(base, adapted(), tmp_path / "out", "original", WHOLE)


@pytest.mark.parametrize(
    ("told", "stops"),
    [(None, 2), ({"eos_token_id": 2}, 2), ({"eos_token_id": [7, 2, 9]}, [2, 7, 9])],
)
def test_generation_stops_at_the_learned_end_and_at_those_of_the_base(
    tiny_checkpoint: Path, format_: Format, tmp_path: Path, told: Any, stops: Any
) -> None:
    base, out = tmp_path / "base", tmp_path / "out"
    shutil.copytree(tiny_checkpoint, base)
    (base / "generation_config.json").unlink()
    if told:
        (base / "generation_config.json").write_text(json.dumps(told), encoding="utf-8")
    out.mkdir()
    write_surroundings(base, format_.tokenizer, out)
    generation, config = (
        json.loads((out / name).read_text(encoding="utf-8"))
        for name in ("generation_config.json", "config.json")
    )
    assert generation["eos_token_id"] == stops
    assert generation["pad_token_id"] == config["pad_token_id"] == format_.tokenizer.pad_token_id
    assert config["eos_token_id"] == format_.tokenizer.eos_token_id == 2
    assert (config["dtype"], config["vocab_size"]) == ("bfloat16", 259)
    assert Format.load(out).fingerprint == format_.fingerprint
