"""Only known files leave, as they were made; links, pickles and strangers do not."""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from openbezoar import shelf
from openbezoar.errors import PublishError
from openbezoar.publishing.layout import ADAPTER, MODEL, Layout, is_published, made_files
from openbezoar.store import Artifact, Store
from tests.publishing.conftest import shelve


def test_the_files_of_a_model_are_all_there(store: Store) -> None:
    names = [file.name for file in made_files(shelf.latest(store, "model"), MODEL)]
    assert len(names) == 8
    assert "model-00002-of-00002.safetensors" in names


def strange(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


def poisoned(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")


def nested(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "config.json").write_text("{}")


def linked(folder: Path) -> None:
    (folder / "merges.txt").symlink_to("/etc/passwd")


def linked_folder(folder: Path) -> None:
    (folder / "data").symlink_to("/etc")


def changed(folder: Path) -> None:
    (folder / "model-00001-of-00002.safetensors").write_text("other weights")


def added(folder: Path) -> None:
    (folder / "vocab.json").write_text("{}")


def cut(folder: Path) -> None:
    (folder / "model-00002-of-00002.safetensors").unlink()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (strange, "notes.txt: is unknown, so it is not published"),
        (poisoned, "pytorch_model.bin: is a pickle, which can run code"),
        (nested, "deep/config.json: is unknown"),
        (linked, "merges.txt: is a link"),
        (linked_folder, "data: is a link"),
        (changed, "model-00001-of-00002.safetensors: is not as it was made"),
        (added, "vocab.json: is not as it was made"),
        (cut, "model-00002-of-00002.safetensors: is not as it was made"),
    ],
)
def test_a_spoilt_model_does_not_leave(
    store: Store, spoil: Callable[[Path], None], told: str
) -> None:
    artifact: Artifact = shelf.latest(store, "model")
    spoil(artifact.folder / "model")
    with pytest.raises(PublishError, match=told):
        made_files(artifact, MODEL)


@pytest.mark.parametrize(
    ("makes", "layout", "name"),
    [(made, layout, name) for made, layout in (("model", MODEL), ("adapter", ADAPTER))
     for name in layout.needed],
)  # fmt: skip
def test_what_was_made_without_a_file_that_its_use_needs_does_not_leave(
    store: Store, makes: str, layout: Layout, name: str
) -> None:
    whole = made_files(shelf.latest(store, makes), layout)
    kept = {f"{makes}/{file.name}": "" for file in whole if not fnmatchcase(file.name, name)}
    science = {"stage": "odd", "settings": {"kind": "merge", "adapter": "adapter"}, "models": {}}
    with pytest.raises(PublishError, match=rf"has no {re.escape(name)}, without which nobody"):
        made_files(shelve(store, science, makes, kept), layout)


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [
        ("README.md", True),
        ("data/train-00000-of-00002.parquet", True),
        ("model-q8_0.gguf", True),
        ("config.json", True),
        ("notes.txt", False),
        ("deep/config.json", False),
        ("data/deep/rows.parquet", False),
        ("backups/mine.gguf", False),
    ],
)
def test_a_publication_holds_files_of_known_names_only(name: str, is_ours: bool) -> None:
    assert is_published(name) == is_ours
