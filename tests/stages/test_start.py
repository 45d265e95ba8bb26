"""Every start point leads back to a folder of weights."""

from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import StoreError
from openbezoar.families import Bench
from openbezoar.models.transformers import Transformers
from openbezoar.stages.start import Start, find_start
from openbezoar.store import Artifact, Manifest


def artifact(folder: str, makes: str, numbers: dict[str, Any]) -> Artifact:
    manifest = Manifest(
        stage=folder, kind="train", makes=makes, fingerprint=f"print of {folder}", science={},
        inputs={}, numbers=numbers, files={}, run={},
    )  # fmt: skip
    return Artifact(Path(folder), manifest)


MERGED = artifact("merged", "model", {})
INPUTS = {
    "merged": MERGED,
    "first": artifact("first", "adapter", {"base": {"checkpoint": "student"}}),
    "later": artifact("later", "adapter", {"base": {"artifact": "print of merged"}}),
    "lost": artifact("lost", "adapter", {}),
}


@pytest.fixture
def bench(tmp_path: Path, tiny_checkpoint: Path) -> Bench:
    def refuse(*_: Any) -> Any:
        raise AssertionError("no model is opened to find a start")

    return Bench(
        stage="here", seed=0, folder=tmp_path, scratch=tmp_path, inputs=INPUTS,
        specs={"student": Transformers(checkpoint=str(tiny_checkpoint))},
        open_model=refuse, open_checkpoint=refuse, say=lambda text: None,
        find={MERGED.manifest.fingerprint: MERGED}.__getitem__,
    )  # fmt: skip


def test_a_start_is_a_checkpoint_a_merged_model_or_a_base_with_its_adapter(
    bench: Bench, tiny_checkpoint: Path
) -> None:
    student = {"checkpoint": "student"}
    merged = {"artifact": "print of merged"}
    assert find_start("student", bench) == Start(tiny_checkpoint, {**student})
    assert find_start("merged", bench) == Start(Path("merged/model"), {**merged})
    assert find_start("first", bench) == Start(tiny_checkpoint, {**student}, Path("first/adapter"))
    assert find_start("later", bench) == Start(
        Path("merged/model"), {**merged}, Path("later/adapter")
    )


def test_an_adapter_whose_base_is_unknown_is_refused(bench: Bench) -> None:
    with pytest.raises(StoreError, match="does not say which model it adapts"):
        find_start("lost", bench)
