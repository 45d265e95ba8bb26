"""A merged model as one GGUF file for llama.cpp, by a converter that is installed beside us."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal, get_args

from openbezoar.errors import MissingExtra, PublishError
from openbezoar.publishing.patterns import names_a_secret

__all__ = ["TYPES", "Type", "convert", "converter"]

Type = Literal["bf16", "f16", "f32", "q8_0"]
TYPES: tuple[str, ...] = get_args(Type)
CONVERTERS = ("convert_hf_to_gguf.py", "llama-convert-hf-to-gguf", "convert-hf-to-gguf")
"""llama.cpp's script, as its packages and checkouts call it, and as a package of its own."""


def converter() -> str:
    """The converter's path; MissingExtra when there is none."""
    for name in CONVERTERS:
        if found := shutil.which(name):
            return found
    raise MissingExtra(
        f"--gguf needs llama.cpp's converter on the PATH, as {' or '.join(CONVERTERS)}; "
        "install llama.cpp, or the package convert-hf-to-gguf in an environment of its own "
        "(it brings a `gguf` that takes the place of ours)"
    )


def convert(program: str, model: Path, out: Path, type_: Type) -> Path:
    """Write the model into the file `out`; PublishError repeats the converter's last line."""
    command = [program, str(model), "--outfile", str(out), "--outtype", type_]
    held = {name: value for name, value in os.environ.items() if not names_a_secret(name)}
    done = subprocess.run(command, env=held, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode == 0 and out.is_file():
        return out
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    raise PublishError(
        f"{Path(program).name}: could not convert {model} "
        f"({said[-1][:200] if said else f'exit code {done.returncode}'}); leave out --gguf"
    )
