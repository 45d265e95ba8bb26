"""Every start point leads back to a folder of weights, and an adapter to its very own."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import StoreError
from openbezoar.families import Bench
from openbezoar.models.transformers import Transformers
from openbezoar.stages.start import Start, find_start, print_of
from openbezoar.store import Artifact, Manifest

MERGED = {"artifact": "print of merged", "folder": "model"}
OWN = {"artifact": "print of own", "folder": "base"}


def artifact(folder: Path, makes: str, numbers: dict[str, Any]) -> Artifact:
    manifest = Manifest(
        stage=folder.name, kind="train", makes=makes, fingerprint=f"print of {folder.name}",
        science={}, inputs={}, numbers=numbers, files={}, run={},
    )  # fmt: skip
    return Artifact(folder, manifest)


@pytest.fixture
def weights(tiny_checkpoint: Path) -> str:
    """The fingerprint of the tiny checkpoint's weights."""
    return print_of(tiny_checkpoint)


@pytest.fixture
def bench(tmp_path: Path, tiny_checkpoint: Path, weights: str) -> Bench:
    def refuse(*_: Any) -> Any:
        raise AssertionError("no model is opened to find a start")

    for place in ("merged/model", "own/base"):
        shutil.copytree(tiny_checkpoint, tmp_path / place)
    bases = {
        "first": {"checkpoint": "student"},
        "later": {"artifact": "print of merged", "folder": "model"},
        "own": {"folder": "base"},
        "carried": {"artifact": "print of own", "folder": "base"},
    }
    made = {
        name: artifact(tmp_path / name, "adapter", {"base": {**base, "fingerprint": weights}})
        for name, base in bases.items()
    }
    made["merged"] = artifact(tmp_path / "merged", "model", {})
    made["lost"] = artifact(tmp_path / "lost", "adapter", {})
    return Bench(
        stage="here", seed=0, folder=tmp_path, scratch=tmp_path, inputs=made,
        specs={"student": Transformers(checkpoint=str(tiny_checkpoint))},
        open_model=refuse, open_checkpoint=refuse, say=lambda text: None,
        find={one.manifest.fingerprint: one for one in made.values()}.__getitem__,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "folder", "base", "adapter"),
    [
        ("student", None, {"checkpoint": "student"}, None),
        ("merged", "merged/model", MERGED, None),
        ("first", None, {"checkpoint": "student"}, "first/adapter"),
        ("later", "merged/model", MERGED, "later/adapter"),
        ("own", "own/base", OWN, "own/adapter"),
        ("carried", "own/base", OWN, "carried/adapter"),
    ],
)  # fmt: skip
def test_a_start_is_a_checkpoint_a_merged_model_or_a_base_with_its_adapter(
    bench: Bench, tiny_checkpoint: Path, weights: str, name: str, folder: str | None,
    base: dict[str, Any], adapter: str | None,
) -> None:  # fmt: skip
    place = tiny_checkpoint if folder is None else bench.folder / folder
    on_top = None if adapter is None else bench.folder / adapter
    assert find_start(name, bench) == Start(place, {**base, "fingerprint": weights}, on_top)


def test_an_adapter_whose_base_is_unknown_is_refused(bench: Bench) -> None:
    with pytest.raises(StoreError, match="does not say which weights it adapts"):
        find_start("lost", bench)


@pytest.mark.parametrize("name", ["later", "own", "carried"])
def test_an_adapter_refuses_another_base(bench: Bench, weights: str, name: str) -> None:
    folder = find_start(name, bench).folder
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=f"trained on the weights {weights}, but .* now holds"):
        find_start(name, bench)
