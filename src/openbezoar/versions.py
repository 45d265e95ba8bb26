"""Which versions of code made a result."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

__all__ = ["commit", "versions"]

VERSIONS = (
    "openbezoar",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "lm_eval",
    "xllamacpp",
    "rensa",
)


def versions() -> dict[str, str | None]:
    """The versions of Python and of the libraries that results may depend on; None if absent."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def commit() -> str | None:
    """The commit of the code that runs, when it runs from a checkout."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603 - a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
