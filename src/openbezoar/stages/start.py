"""Where a stage finds its weights: a checkpoint, a merged model, or a base and its adapter."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from openbezoar import files
from openbezoar.component import digest
from openbezoar.errors import StoreError
from openbezoar.families import Bench

__all__ = ["MERGED", "OWN_BASE", "Start", "find_start", "print_of"]

MERGED, OWN_BASE = "model", "base"
"""The folders of merged weights: in a merge stage's artifact, and in that of a train stage that
merged the adapter it started from."""


@dataclass(frozen=True)
class Start:
    """A folder of weights, and the adapter on top of them where there is one."""

    folder: Path
    base: dict[str, JsonValue]
    """How a manifest names the weights: {"checkpoint": model name} or {"artifact": fingerprint},
    and the fingerprint of the weights themselves."""
    adapter: Path | None = None


def find_start(name: str, bench: Bench) -> Start:
    """The weights that `name` stands for among the models and inputs of the stage.

    StoreError when an adapter was trained on other weights than its base now holds.
    """
    if name in bench.specs:
        return _start({"checkpoint": name}, bench)
    artifact = bench.inputs[name]
    if artifact.manifest.makes == "model":
        return _start({"artifact": artifact.manifest.fingerprint, "folder": MERGED}, bench)
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
    return Start(start.folder, start.base, artifact.folder / "adapter")


def print_of(folder: Path) -> str:
    """The fingerprint of a checkpoint's weights: every byte of them counts."""
    weights = sorted(folder.glob("*.safetensors"))
    return digest({path.name: files.digest(path) for path in weights})[:16]


def _start(base: dict[str, JsonValue], bench: Bench) -> Start:
    if "checkpoint" in base:
        folder = bench.specs[str(base["checkpoint"])].folder()
    else:
        folder = bench.find(str(base["artifact"])).folder / str(base["folder"])
    return Start(folder, {**base, "fingerprint": print_of(folder)})
