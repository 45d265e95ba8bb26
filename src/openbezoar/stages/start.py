"""Where a stage finds its weights: a checkpoint, a merged model, or a base and its adapter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from openbezoar.errors import StoreError
from openbezoar.families import ModelSpec
from openbezoar.store import Artifact

__all__ = ["Start", "Surroundings", "find_start"]


class Surroundings(Protocol):
    """What a start point is looked up in: a bench, or a store that is only read."""

    @property
    def specs(self) -> Mapping[str, ModelSpec]:
        """The recipe's models."""

    @property
    def inputs(self) -> Mapping[str, Artifact]:
        """The artifacts of the stages that are read."""

    @property
    def find(self) -> Callable[[str], Artifact]:
        """The artifact with this fingerprint."""


@dataclass(frozen=True)
class Start:
    """A folder of weights, and the adapter on top of them where there is one."""

    folder: Path
    base: dict[str, JsonValue]
    """How a manifest names the weights: {"checkpoint": model name} or {"artifact": fingerprint}."""
    adapter: Path | None = None
    format: JsonValue = None
    """The fingerprint of the tokenizer and template it was trained with, where it was trained."""


def find_start(name: str, bench: Surroundings) -> Start:
    """The weights that `name` stands for among the models and inputs of the stage."""
    if name in bench.specs:
        return _of_base({"checkpoint": name}, bench)
    artifact = bench.inputs[name]
    if artifact.manifest.makes == "model":
        return Start(
            artifact.folder / "model",
            {"artifact": artifact.manifest.fingerprint},
            format=artifact.numbers.get("format"),
        )
    base = artifact.numbers.get("base")
    if not isinstance(base, dict):
        raise StoreError(f"{artifact.folder}: its manifest does not say which model it adapts")
    start = _of_base(base, bench)
    adapter = artifact.folder / "adapter"
    return Start(start.folder, start.base, adapter, artifact.numbers.get("format"))


def _of_base(base: dict[str, JsonValue], bench: Surroundings) -> Start:
    if "checkpoint" in base:
        return Start(bench.specs[str(base["checkpoint"])].folder(), base)
    return Start(bench.find(str(base["artifact"])).folder / "model", base)
