"""Training checkpoints: safetensors and progress, complete by rename, the last two kept."""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError as _SafetensorError
from safetensors.torch import load_file, save_file

from openbezoar.training.adapters import adapter_tensors

__all__ = ["Progress", "restore_latest", "save"]

KEPT = 2


@dataclass
class Progress:
    """How far a training is: all that is not a tensor."""

    step: int = 0
    tokens: int = 0
    metrics: list[dict[str, Any]] = field(default_factory=list)


def save(folder: Path, model: Any, optimiser: Any, progress: Progress) -> None:
    """Write one checkpoint; an interruption leaves the ones before it untouched."""
    final = folder / f"checkpoint-{progress.step:08d}"
    partial = folder / "checkpoint.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    tensors = {name: tensor.detach().cpu() for name, tensor in adapter_tensors(model).items()}
    save_file(tensors, partial / "adapter.safetensors")
    state, rest = _flatten(optimiser.state_dict()["state"])
    save_file(state, partial / "optimiser.safetensors")
    content = {"progress": asdict(progress), "optimiser": rest}
    (partial / "state.json").write_text(json.dumps(content), encoding="utf-8")
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    for old in _checkpoints(folder)[:-KEPT]:
        shutil.rmtree(old)


def restore_latest(folder: Path, model: Any, optimiser: Any) -> Progress:
    """Continue from the newest checkpoint that can be read; from the start when there is none."""
    for checkpoint in reversed(_checkpoints(folder)):
        try:
            tensors = load_file(checkpoint / "adapter.safetensors")
            state = load_file(checkpoint / "optimiser.safetensors")
            content = json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, RuntimeError, _SafetensorError):
            continue
        return _restore(model, optimiser, tensors, (state, content))
    return Progress()


def _restore(
    model: Any, optimiser: Any, tensors: dict[str, torch.Tensor], saved: tuple[Any, Any]
) -> Progress:
    state, content = saved
    with torch.no_grad():
        for name, parameter in adapter_tensors(model).items():
            parameter.copy_(tensors[name])
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict(
        {"state": _unflatten(state, content["optimiser"]), "param_groups": groups}
    )
    return Progress(**content["progress"])


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*"))


def _flatten(state: dict[int, dict[str, Any]]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors: dict[str, torch.Tensor] = {}
    rest: dict[str, Any] = {}
    for index, values in state.items():
        for name, value in values.items():
            key = f"{index}.{name}"
            if isinstance(value, torch.Tensor):
                tensors[key] = value.detach().cpu().contiguous()
            else:
                rest[key] = value
    return tensors, rest


def _unflatten(tensors: dict[str, torch.Tensor], rest: dict[str, Any]) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for key, value in (tensors | rest).items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    return state
