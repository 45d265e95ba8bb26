"""Where a stage finds its weights: a checkpoint, a merged model, or a base and its adapter."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from openbezoar.errors import StoreError
from openbezoar.families import Bench

__all__ = ["Start", "find_start"]


@dataclass(frozen=True)
class Start:
    """A folder of weights, and the adapter on top of them where there is one."""

    folder: Path
    base: dict[str, JsonValue]
    """How a manifest names the weights: {"checkpoint": model name} or {"artifact": fingerprint}."""
    adapter: Path | None = None


def find_start(name: str, bench: Bench) -> Start:
    """The weights that `name` stands for among the models and inputs of the stage."""
    if name in bench.specs:
        return _of_base({"checkpoint": name}, bench)
    artifact = bench.inputs[name]
    if artifact.manifest.makes == "model":
        return Start(artifact.folder / "model", {"artifact": artifact.manifest.fingerprint})
    base = artifact.numbers.get("base")
    if not isinstance(base, dict):
        raise StoreError(f"{artifact.folder}: its manifest does not say which model it adapts")
    start = _of_base(base, bench)
    return Start(start.folder, start.base, artifact.folder / "adapter")


def _of_base(base: dict[str, JsonValue], bench: Bench) -> Start:
    if "checkpoint" in base:
        return Start(bench.specs[str(base["checkpoint"])].folder(), base)
    return Start(bench.find(str(base["artifact"])).folder / "model", base)
