"""Which files of a model or an adapter are published: those on a list, as they were made."""

from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from openbezoar import files
from openbezoar.errors import PublishError
from openbezoar.store import Artifact

__all__ = [
    "ADAPTER",
    "CARD",
    "MODEL",
    "File",
    "Layout",
    "is_published",
    "made_files",
    "refuse_altered",
]

CARD = "README.md"
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".npy", ".npz", ".joblib")
READ = (".json", ".jinja", ".txt", ".md")
"""Files of these kinds are looked over, but for the vocabularies, which hold every word."""
_VOCABULARIES = ("tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json")


class File(NamedTuple):
    """A file as published, and where it lies here."""

    name: str
    path: Path

    @property
    def bytes(self) -> int:
        """How long it is."""
        return self.path.stat().st_size

    @property
    def is_read(self) -> bool:
        """Whether it holds text that someone wrote."""
        return self.name.endswith(READ) and self.name not in _VOCABULARIES


class Layout(NamedTuple):
    """A folder of an artifact, what it may hold and what it must."""

    folder: str
    allowed: tuple[str, ...]
    needed: tuple[str, ...]


MODEL = Layout(
    "model",
    (
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "model-?????-of-?????.safetensors",
        "model.safetensors.index.json",
        *_TOKENIZER,
    ),
    ("config.json", "generation_config.json", "model*.safetensors", "chat_template.jinja"),
)
ADAPTER = Layout(
    "adapter",
    ("adapter_config.json", "adapter_model.safetensors", *_TOKENIZER),
    ("adapter_config.json", "adapter_model.safetensors", "chat_template.jinja"),
)
_PUBLISHED = (CARD, *MODEL.allowed, *ADAPTER.allowed, "*.gguf", "data/*.parquet")


def made_files(artifact: Artifact, layout: Layout) -> list[File]:
    """The files of an artifact; PublishError names one that is unknown, altered or missing."""
    folder = artifact.folder / layout.folder
    held = {path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    made = {artifact.folder / name for name in artifact.manifest.files}
    paths = sorted(held | {path for path in made if path.is_relative_to(folder)})
    found = [File(path.relative_to(folder).as_posix(), path) for path in paths]
    for file in found:
        _refuse_unknown(file, layout.allowed)
        refuse_altered(file.path, artifact)
    names = [file.name for file in found]
    for pattern in layout.needed:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise PublishError(
                f"{folder}: has no {pattern}, without which nobody can use it; make the stage again"
            )
    return found


def refuse_altered(path: Path, artifact: Artifact) -> None:
    """Raise PublishError when a file of an artifact is not the one that its manifest tells of."""
    made = artifact.manifest.files.get(path.relative_to(artifact.folder).as_posix())
    if not path.is_file() or made != files.digest(path):
        raise PublishError(f"{path}: is not as it was made; remove {artifact.folder} and run again")


def is_published(name: str) -> bool:
    """Whether a publication of any kind can hold a file of this name."""
    return _is_one_of(name, _PUBLISHED)


def _refuse_unknown(file: File, allowed: Collection[str]) -> None:
    if file.path.is_symlink():
        raise PublishError(f"{file.path}: is a link, and links are not published; remove it")
    if _is_one_of(file.name, allowed):
        return
    is_pickle = file.name.endswith(_PICKLES)
    why = "is a pickle, which can run code where it is loaded" if is_pickle else "is unknown"
    raise PublishError(f"{file.path}: {why}, so it is not published; remove it")


def _is_one_of(name: str, patterns: Collection[str]) -> bool:
    return any(
        name.count("/") == pattern.count("/") and fnmatchcase(name, pattern) for pattern in patterns
    )
