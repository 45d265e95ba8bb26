"""SQLite files: opened with their tables, and what is wrong with them in one line."""

import sqlite3
from pathlib import Path

import pytest

from openbezoar.errors import StoreError
from openbezoar.models.database import connect, explained

TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY)"


def test_a_file_is_made_with_its_folder_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.sqlite"
    for _ in range(2):
        connection = connect(path, "NORMAL", TABLE)
        connection.execute("INSERT OR IGNORE INTO answers VALUES ('a')")
        assert connection.execute("SELECT * FROM answers").fetchall() == [("a",)]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.close()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (sqlite3.OperationalError("disk is full"), "cannot be used (disk is full); make room"),
        (sqlite3.DatabaseError("malformed"), "is broken (malformed); remove it, all is lost"),
        (PermissionError(13, "Permission denied"), "cannot be made (Permission denied)"),
    ],
)
def test_an_error_says_what_where_and_the_fix(error: Exception, told: str) -> None:
    with pytest.raises(StoreError) as caught, explained(Path("a.sqlite"), "all is lost"):
        raise error
    assert str(caught.value).startswith(f"a.sqlite: {told}")


def test_what_is_no_trouble_of_the_file_passes() -> None:
    with pytest.raises(KeyError), explained(Path("a.sqlite"), "all is lost"):
        raise KeyError("other")
