"""Files on this machine: where the cache lies, and digests, of a whole file or of its two ends."""

import hashlib
import os
from functools import cache
from pathlib import Path

__all__ = ["cache_folder", "digest", "edges", "located"]

MEBIBYTE = 1 << 20


def cache_folder() -> Path:
    """Where downloads and converted models are kept: OPENBEZOAR_CACHE, or ~/.cache/openbezoar."""
    named = os.environ.get("OPENBEZOAR_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "openbezoar"


def digest(path: Path) -> str:
    """The sha256 of a whole file, computed once for as long as its size and time stay."""
    state = path.stat()
    return _digest(path, state.st_size, state.st_mtime_ns)


def edges(path: Path) -> str:
    """The sha256 of a file's size, first and last mebibyte: cheap where whole digests are not."""
    size = path.stat().st_size
    with path.open("rb") as file:
        taken = hashlib.sha256(f"{size}\n".encode() + file.read(MEBIBYTE))
        file.seek(max(size - MEBIBYTE, 0))
        taken.update(file.read(MEBIBYTE))
    return taken.hexdigest()


def located(path: str, folder: Path | None) -> Path:
    """A path of a recipe, seen from the current folder or, failing that, from the recipe's."""
    here = Path(path).expanduser()
    return here if folder is None or here.exists() else folder / here


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
