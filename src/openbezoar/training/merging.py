"""An adapter added to its base's weights tensor by tensor, and written as bfloat16 safetensors."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from huggingface_hub import split_state_dict_into_shards_factory
from safetensors import safe_open
from safetensors.torch import save_file

from openbezoar.errors import ConfigError
from openbezoar.training.adapters import quiet, refuse_quantised

__all__ = ["Rule", "Written", "write_merged", "write_surroundings"]

Rule = Literal["original", "dequantised"]
"""What the adapter is added to: the base's own weights, or what their rounding to 4 bits left."""

WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


class Written(NamedTuple):
    """What a merge wrote."""

    parameters: int
    shards: int


def write_merged(base: Path, adapted: Any, out: Path, rule: Rule, shard_bytes: int) -> Written:
    """Write the weights of the checkpoint `base` with the adapter of `adapted` merged into them.

    `adapted` is the base as it was loaded for training, its adapter attached, and never yet in
    evaluation mode, which repacks 4-bit weights. The sum is taken in float32 and rounded once; one
    shard is held in memory at a time. ConfigError when the base itself is quantised.
    """
    refuse_quantised(base)
    layers = _layers(adapted)
    parameters = 0
    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(path, framework="pt")) for path in _files(base)]
        homes = {name: file for file in files for name in file.keys()}  # noqa: SIM118 - no mapping
        _refuse_other_names(base, layers, homes)
        sizes = {name: _bytes(home.get_slice(name)) for name, home in sorted(homes.items())}
        split = split_state_dict_into_shards_factory(
            sizes,
            get_storage_size=lambda size: size,
            filename_pattern="model{suffix}.safetensors",
            max_shard_size=shard_bytes,
        )
        for file, names in split.filename_to_tensors.items():
            shard = {
                name: _merged(homes[name].get_tensor(name), layers.get(name), rule)
                for name in names
            }
            parameters += sum(tensor.numel() for tensor in shard.values())
            save_file(shard, out / file, metadata={"format": "pt"})
    if split.is_sharded:
        _write(out / INDEX, {"metadata": split.metadata, "weight_map": split.tensor_to_filename})
    return Written(parameters, len(split.filename_to_tensors))


def write_surroundings(base: Path, tokenizer: Any, out: Path, dtype: str = "bfloat16") -> None:
    """Write what makes weights a chat model: configuration, tokenizer, and where answers end.

    An answer ends at the tokenizer's EOS, which was learned, and wherever the base's ended.
    """
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    config = _read(base / "config.json")
    for stale in ("torch_dtype", "_name_or_path"):
        config.pop(stale, None)
    _write(out / "config.json", {**config, **ends, "dtype": dtype})
    path = base / "generation_config.json"
    told = _read(path) if path.exists() else {"bos_token_id": config.get("bos_token_id")}
    told.pop("_from_model_config", None)
    known = told.get("eos_token_id")
    others = known if isinstance(known, list) else [] if known is None else [known]
    stops = list(dict.fromkeys([tokenizer.eos_token_id, *others]))
    told |= ends | {"eos_token_id": stops if len(stops) > 1 else stops[0]}
    _write(out / "generation_config.json", told)
    with quiet():
        tokenizer.save_pretrained(str(out))


def _files(folder: Path) -> list[Path]:
    """The files that hold the checkpoint's weights, as transformers finds them."""
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if (folder / INDEX).exists():
        return [folder / name for name in sorted(set(_read(folder / INDEX)["weight_map"].values()))]
    raise ConfigError(f"{folder}: has neither {WEIGHTS} nor {INDEX}; save it with save_pretrained")


def _layers(adapted: Any) -> dict[str, Any]:
    """The layers whose weights the files may not hold as they are: with an adapter, or in 4 bits.

    By the name of the weight.
    """
    from peft.tuners.lora import LoraLayer

    return {
        f"{name}.weight": layer
        for name, layer in adapted.get_base_model().named_modules()
        if isinstance(layer, LoraLayer) or _state(layer) is not None
        if not name.endswith(".base_layer")
    }


def _refuse_other_names(folder: Path, layers: Mapping[str, Any], homes: Mapping[str, Any]) -> None:
    if missing := sorted(layers.keys() - homes.keys()):
        raise ConfigError(
            f"{folder}: holds no tensor {missing[0]!r}, which the adapter was trained on; load the "
            "checkpoint with transformers, save it with save_pretrained, and name that folder"
        )


def _bytes(tensor: Any) -> int:
    """What a tensor takes on disk, at most; it only decides which shard the tensor goes to."""
    size = 2 if tensor.get_dtype() in FLOATS else 8
    for length in tensor.get_shape():
        size *= length
    return size


@torch.no_grad()
def _merged(tensor: torch.Tensor, layer: Any, rule: Rule) -> torch.Tensor:
    if layer is not None and rule == "dequantised":
        tensor = _dequantised(getattr(layer, "base_layer", layer), tensor)
    if hasattr(layer, "get_delta_weight"):
        tensor = tensor.float() + layer.get_delta_weight("default").float().cpu()
    return tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor


def _dequantised(layer: Any, tensor: torch.Tensor) -> torch.Tensor:
    """The weights that training saw; those of the file where the layer is not in 4 bits."""
    state = _state(layer)
    if state is None:
        return tensor
    from bitsandbytes.functional import dequantize_4bit

    found: torch.Tensor = dequantize_4bit(layer.weight.data, state).cpu()
    return found.contiguous()


def _state(layer: Any) -> Any:
    """How a layer's weights were rounded to 4 bits; None when they were not."""
    return getattr(getattr(layer, "weight", None), "quant_state", None)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _write(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")
