"""What was sent to a Batch API and what came back, on disk before anything is paid twice."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from openbezoar.errors import ParseError
from openbezoar.models.database import connect, explained
from openbezoar.records import Completion

__all__ = ["Answer", "Ledger", "Sent"]

Answer = Completion | ParseError
TABLES = """
CREATE TABLE IF NOT EXISTS batches
    (token TEXT PRIMARY KEY, name TEXT, account TEXT, at REAL, size INTEGER);
CREATE TABLE IF NOT EXISTS asked (key TEXT PRIMARY KEY, token TEXT);
CREATE INDEX IF NOT EXISTS asked_in ON asked (token);
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT);
"""


class Sent(NamedTuple):
    """One batch: our name for it, the provider's once it is known, when, and how many requests."""

    token: str
    name: str | None
    at: float
    size: int


class Ledger:
    """Batches that run and answers not yet handed over, in one SQLite file."""

    def __init__(self, path: Path, account: str) -> None:
        self._account = account
        self._explained = partial(explained, path, "batches that run will be lost")
        with self._explained():
            self._connection = connect(path, "FULL", TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def answer(self, key: str) -> Answer | None:
        """What came back for a request and was not forgotten yet."""
        found = self._rows("SELECT answer FROM answers WHERE key = ?", key)
        return _read(found[0][0]) if found else None

    def sent(self, key: str) -> Sent | None:
        """The batch that a request is in."""
        query = "SELECT token, name, at, size FROM batches JOIN asked USING (token) WHERE key = ?"
        found = self._rows(query, key)
        return Sent(*found[0]) if found else None

    def keys(self, token: str) -> list[str]:
        """The requests of a batch."""
        return [key for (key,) in self._rows("SELECT key FROM asked WHERE token = ?", token)]

    def names(self) -> set[str]:
        """The provider's names of the batches that run."""
        query = "SELECT name FROM batches WHERE account = ? AND name IS NOT NULL"
        return {name for (name,) in self._rows(query, self._account)}

    def note(self, sent: Sent, keys: Iterable[str]) -> None:
        """Note a batch that is about to be sent."""
        row = (sent.token, sent.name, self._account, sent.at, sent.size)
        with self._writing() as ledger:
            ledger.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?)", row)
            asked = ((key, sent.token) for key in keys)
            ledger.executemany("INSERT OR REPLACE INTO asked VALUES (?, ?)", asked)

    def name(self, token: str, name: str) -> None:
        """Note the name that the provider gave a batch."""
        with self._writing() as ledger:
            ledger.execute("UPDATE batches SET name = ? WHERE token = ?", (name, token))

    def keep(self, answers: Sequence[tuple[str, Answer]]) -> None:
        """Keep answers until they are forgotten."""
        with self._writing() as ledger:
            rows = ((key, _written(answer)) for key, answer in answers)
            ledger.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)

    def strike(self, token: str) -> None:
        """Take a batch off the list: it has been read to its end, or never arrived."""
        with self._writing() as ledger:
            ledger.execute("DELETE FROM asked WHERE token = ?", [token])
            ledger.execute("DELETE FROM batches WHERE token = ?", [token])

    def forget(self, keys: Iterable[str]) -> None:
        """Drop answers that were handed over."""
        with self._writing() as ledger:
            ledger.executemany("DELETE FROM answers WHERE key = ?", ((key,) for key in keys))

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with self._explained():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._explained(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection


def _written(answer: Answer) -> str:
    if isinstance(answer, ParseError):
        return json.dumps({"reason": answer.reason, "detail": answer.detail})
    return answer.model_dump_json()


def _read(text: str) -> Answer:
    content = json.loads(text)
    if "reason" in content:
        return ParseError(content["reason"], content["detail"])
    return Completion.model_validate(content)
