"""Only known files leave, as they were made; links, pickles and strangers do not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from openbezoar import shelf
from openbezoar.errors import PublishError
from openbezoar.publishing.layout import ADAPTER, MODEL, made_files, stale
from openbezoar.store import Artifact, Store


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


def bare(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


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
        (bare, "has no chat_template.jinja, without which nobody can use it"),
    ],
)
def test_a_spoilt_model_does_not_leave(
    store: Store, spoil: Callable[[Path], None], told: str
) -> None:
    artifact: Artifact = shelf.latest(store, "model")
    spoil(artifact.folder / "model")
    with pytest.raises(PublishError, match=told):
        made_files(artifact, MODEL)


def test_an_adapter_without_its_weights_does_not_leave(store: Store) -> None:
    artifact = shelf.latest(store, "adapter")
    (artifact.folder / "adapter" / "adapter_model.safetensors").unlink()
    with pytest.raises(PublishError, match=r"has no adapter_model\.safetensors"):
        made_files(artifact, ADAPTER)


def test_only_what_an_earlier_publication_left_is_stale() -> None:
    held = ["data/train-00000-of-00002.parquet", "README.md", "notes.txt", "old.gguf", "a/b.json"]
    published = ["README.md", "data/train-00000-of-00001.parquet"]
    assert stale(held, published) == ["data/train-00000-of-00002.parquet", "old.gguf"]
