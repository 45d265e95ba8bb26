"""Training checkpoints: complete by rename, checked by digest, the last two kept."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from openbezoar import jsonl
from openbezoar.component import digest
from openbezoar.training.adapters import adapter_tensors

__all__ = ["Checkpoints", "Progress"]

KEPT = 2
ADAPTER, OPTIMISER, STATE = "adapter.safetensors", "optimiser.safetensors", "state.json"
DIGESTS = "digests.json"
"""The sha256 of each of the other files; written last."""


@dataclass
class Progress:
    """How far a training is: all that is not a tensor.

    The data's position and every random stream follow from the step, so neither is stored.
    """

    step: int = 0
    tokens: int = 0
    metrics: list[dict[str, Any]] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict, compare=False)
    """Seconds, speed and memory: what differs between equal trainings."""


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training in its folder."""

    folder: Path
    fingerprint: str
    """Of the training; the shapes of the adapter are added to it."""
    say: Callable[[str], None]
    writes: bool = True
    """Whether this process writes and removes; of several that train together one does."""

    def save(self, model: Any, optimiser: Any, progress: Progress) -> None:
        """Write one checkpoint; an interruption leaves the ones before it untouched."""
        if not self.writes:
            return
        partial = self.folder / "checkpoint.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        tensors = {name: tensor.detach().cpu() for name, tensor in adapter_tensors(model).items()}
        save_file(tensors, partial / ADAPTER)
        state, rest = _flatten(optimiser.state_dict()["state"])
        save_file(state, partial / OPTIMISER)
        content = {
            "training": self._training(model),
            "progress": asdict(progress),
            "optimiser": rest,
        }
        (partial / STATE).write_text(json.dumps(content), encoding="utf-8")
        digests = {name: _synced_digest(partial / name) for name in (ADAPTER, OPTIMISER, STATE)}
        (partial / DIGESTS).write_text(json.dumps(digests), encoding="utf-8")
        _synced_digest(partial / DIGESTS)
        jsonl.sync_folder(partial)
        final = self.folder / f"checkpoint-{progress.step:08d}"
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        jsonl.sync_folder(self.folder)
        for old in self._found()[:-KEPT]:
            shutil.rmtree(old)

    def restore_latest(self, model: Any, optimiser: Any) -> Progress:
        """Continue from the newest checkpoint of this training that is whole, or from the start.

        What cannot be used is named and removed.
        """
        if self.writes:
            shutil.rmtree(self.folder / "checkpoint.partial", ignore_errors=True)
        for checkpoint in reversed(self._found()):
            complaint = _damage(checkpoint) or self._strangeness(checkpoint, model)
            if not complaint:
                return _restore(model, optimiser, checkpoint)
            self.say(f"warning: {checkpoint.name} {complaint}: it is removed")
            if self.writes:
                shutil.rmtree(checkpoint)
        return Progress()

    def _strangeness(self, checkpoint: Path, model: Any) -> str:
        if _state(checkpoint)["training"] == self._training(model):
            return ""
        return "belongs to another training (other settings, rows or start)"

    def _training(self, model: Any) -> str:
        shapes = [f"{name}: {tuple(one.shape)}" for name, one in adapter_tensors(model).items()]
        return digest([self.fingerprint, *shapes])

    def _found(self) -> list[Path]:
        return sorted(self.folder.glob("checkpoint-*"))


def _damage(checkpoint: Path) -> str:
    """What is wrong with its files, if anything."""
    try:
        digests = json.loads((checkpoint / DIGESTS).read_text(encoding="utf-8"))
        for name in (ADAPTER, OPTIMISER, STATE):
            with (checkpoint / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digests[name]:
                    return f"is damaged ({name} has other bytes than were written)"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"cannot be read ({' '.join(str(error).split())})"
    return ""


def _restore(model: Any, optimiser: Any, checkpoint: Path) -> Progress:
    tensors, content = load_file(checkpoint / ADAPTER), _state(checkpoint)
    with torch.no_grad():
        for name, parameter in adapter_tensors(model).items():
            parameter.copy_(tensors[name])
    state = _unflatten(load_file(checkpoint / OPTIMISER), content["optimiser"])
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    return Progress(**content["progress"])


def _state(checkpoint: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    return content


def _synced_digest(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flatten(state: dict[Any, Any], prefix: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The tensors of a nested state and the rest of it, by path."""
    tensors: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in state.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            below, others = _flatten(value, f"{key}/")
            tensors |= below
            rest |= others
        elif isinstance(value, torch.Tensor):
            # a copy: 8-bit optimisers share one table between tensors, safetensors none
            tensors[key] = value.detach().cpu().contiguous().clone()
        else:
            rest[key] = value
    return tensors, rest


def _unflatten(tensors: dict[str, Any], rest: dict[str, Any]) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for key, value in (tensors | rest).items():
        index, *between, name = key.split("/")
        place = state.setdefault(int(index), {})
        for part in between:
            place = place.setdefault(part, {})
        place[name] = value
    return state
