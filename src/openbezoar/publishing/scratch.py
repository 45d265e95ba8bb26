"""A folder to work in that one process has alone, and that outlives nobody, be they killed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from openbezoar.errors import PublishError

__all__ = ["scratch", "sweep"]

LOCK = "lock"


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """The folder, empty, and gone afterwards; PublishError while another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise PublishError(f"{folder}: another process publishes there; wait for it") from None
    try:
        _empty(folder)
        yield folder
    finally:
        shutil.rmtree(folder)
        lock.release()


def sweep(folder: Path) -> None:
    """Remove the scratch folders in a folder that killed processes left behind."""
    for left in folder.glob("*/"):
        with suppress(PublishError), scratch(left):
            pass  # whoever gets hold of it removes it on leaving


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        elif left.name != LOCK:
            left.unlink()
