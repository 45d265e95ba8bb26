"""Where a stage finds its weights: a checkpoint, a merged model, or a base and its adapter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from openbezoar import files
from openbezoar.component import digest
from openbezoar.errors import StoreError
from openbezoar.families import ModelSpec
from openbezoar.store import Artifact

__all__ = ["MERGED", "OWN_BASE", "Start", "Surroundings", "find_start", "print_of"]

MERGED, OWN_BASE = "model", "base"
"""The folders of merged weights: in a merge stage's artifact, and in that of a train stage that
merged the adapter it started from."""


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
    """How a manifest names the weights: {"checkpoint": model name} or {"artifact": fingerprint},
    and the fingerprint of the weights themselves."""
    adapter: Path | None = None
    format: JsonValue = None
    """The fingerprint of the tokenizer and template it was trained with, where it was trained."""


def find_start(name: str, bench: Surroundings) -> Start:
    """The weights that `name` stands for among the models and inputs of the stage.

    StoreError when an adapter was trained on other weights than its base now holds.
    """
    if name in bench.specs:
        return _start({"checkpoint": name}, bench)
    artifact = bench.inputs[name]
    if artifact.manifest.makes == "model":
        merged: dict[str, JsonValue] = {"artifact": artifact.manifest.fingerprint, "folder": MERGED}
        return replace(_start(merged, bench), format=artifact.numbers.get("format"))
    base = artifact.numbers.get("base")
    if not isinstance(base, dict) or "fingerprint" not in base:
        raise StoreError(
            f"{artifact.folder}: its manifest does not say which weights it adapts; remove the "
            "folder and run again"
        )
    if base.get("folder") == OWN_BASE and "artifact" not in base:
        base = {"artifact": artifact.manifest.fingerprint, **base}
    start = _start(base, bench)
    if start.base["fingerprint"] != base["fingerprint"]:
        raise StoreError(
            f"{artifact.folder}: its adapter was trained on the weights {base['fingerprint']}, but "
            f"{start.folder} now holds {start.base['fingerprint']}; put those weights back, or "
            "remove the folder and train again"
        )
    adapter = artifact.folder / "adapter"
    return replace(start, adapter=adapter, format=artifact.numbers.get("format"))


def print_of(folder: Path) -> str:
    """The fingerprint of a checkpoint's weights: every byte of them counts."""
    weights = sorted(folder.glob("*.safetensors"))
    return digest({path.name: files.digest(path) for path in weights})[:16]


def _start(base: dict[str, JsonValue], bench: Surroundings) -> Start:
    if "checkpoint" in base:
        folder = bench.specs[str(base["checkpoint"])].folder()
    else:
        folder = bench.find(str(base["artifact"])).folder / str(base["folder"])
    return Start(folder, {**base, "fingerprint": print_of(folder)})
