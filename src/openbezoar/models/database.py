"""A SQLite file that survives a kill, and what is wrong with it in one line."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from openbezoar.errors import StoreError

__all__ = ["connect", "explained"]

PATIENCE = 30.0
"""Seconds to wait for another program that holds the file."""


def connect(path: Path, flush: Literal["NORMAL", "FULL"], tables: str) -> sqlite3.Connection:
    """Open the file, made with these tables where it is new.

    With a write-ahead log even NORMAL, which flushes no single row, survives SIGKILL.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {flush}")
    connection.executescript(tables)
    return connection


@contextmanager
def explained(path: Path, loss: str) -> Iterator[None]:
    """Turn an error into StoreError, which says what the file's removal would lose."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"{path}: cannot be used ({error}); make room on the disk, "
            "close other programs that hold it, and run again"
        ) from None
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: is broken ({error}); remove it, {loss}") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be made ({error.strerror})") from None
