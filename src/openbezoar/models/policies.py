"""Between a stage and its model: answers are kept, and a model starts only when it must."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from pydantic import JsonValue

from openbezoar.component import digest, science
from openbezoar.errors import ConfigError, StoreError
from openbezoar.families import ChatModel, ModelSpec, Request, Scorer
from openbezoar.models.budget import Account
from openbezoar.models.limits import limits_of
from openbezoar.models.retrying import RetryingModel
from openbezoar.models.spending import Spending
from openbezoar.records import Completion, Message

__all__ = ["Answers", "CachedModel", "CachedScorer", "open_model"]

PATIENCE = 30.0
"""Seconds to wait for another program that holds the cache."""


@asynccontextmanager
async def open_model(
    spec: ModelSpec, database: Path, usage: dict[str, float], spending: Spending | None = None
) -> AsyncIterator[ChatModel]:
    """Give the model behind its cache of answers; it is connected at the first unknown request.

    `usage` counts every request and its tokens, in `cached` how many were not asked anew, and
    where they occur `retries` and `usd`. `spending` holds the budgets of the run.
    """
    account = (spending or Spending()).account(spec)
    with closing(Answers(database)) as answers:
        async with AsyncExitStack() as stack:
            wrapper = CachedScorer if spec.scores else CachedModel
            yield wrapper(spec, answers, account, usage, stack)


class Answers:
    """Answers by key in one SQLite file; each is on its way to disk when `put` returns."""

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self._path = path
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
            # A write-ahead log without a flush for each row survives SIGKILL, and costs 0.1 ms.
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)"
            )

    def find(self, key: str) -> str | None:
        """The answer kept under a key."""
        with self._explained():
            found = self._connection.execute("SELECT answer FROM answers WHERE key = ?", [key])
            row = found.fetchone()
        return None if row is None else str(row[0])

    def put(self, key: str, answer: str) -> None:
        """Keep an answer."""
        with self._explained():
            self._connection.execute("INSERT OR IGNORE INTO answers VALUES (?, ?)", [key, answer])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"{self._path}: cannot be used ({error}); make room on the disk, "
                "close other programs that hold it, and run again"
            ) from None
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self._path}: is broken ({error}); remove it, answers will be asked anew"
            ) from None
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be made ({error.strerror})") from None


class CachedModel(ChatModel):
    """Answers from the cache where it can; equal requests in flight are asked once."""

    def __init__(
        self,
        spec: ModelSpec,
        answers: Answers,
        account: Account,
        usage: dict[str, float],
        stack: AsyncExitStack,
    ) -> None:
        self.name = spec.label
        self.shapes = spec.shapes
        self._spec = spec
        self._identity: JsonValue = {"model": science(spec), "evidence": spec.evidence()}
        self._answers = answers
        self._account = account
        self._usage = usage
        self._stack = stack
        self._connected: ChatModel | None = None
        self._connecting = asyncio.Lock()
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def complete(self, request: Request) -> Completion:
        """The kept answer, or the model's; an error is not kept."""

        async def ask() -> str:
            model = await self._model()
            completion = await self._account.ask(request, model.complete)
            if (usd := self._account.usd(completion)) is not None:
                self._count("usd", usd)
            return completion.model_dump_json()

        kept = await self._kept({"request": request.model_dump(mode="json")}, ask)
        completion = Completion.model_validate_json(kept)
        self._count("tokens_in", completion.tokens_in)
        self._count("tokens_out", completion.tokens_out)
        return completion

    async def _kept(self, question: dict[str, JsonValue], ask: Callable[[], Awaitable[str]]) -> str:
        key = digest([self._identity, question])
        async with self._asking.setdefault(key, asyncio.Lock()):
            answer = self._answers.find(key)
            known = answer is not None
            if answer is None:
                answer = await ask()
                self._answers.put(key, answer)
        self._count("requests")
        self._count("cached", int(known))
        return answer

    async def _model(self) -> ChatModel:
        async with self._connecting:
            if self._connected is None:
                opened = self._spec.connect_in(self._answers.folder)
                model = await self._stack.enter_async_context(opened)
                limits = limits_of(self._spec)
                retried = partial(self._count, "retries")
                self._connected = RetryingModel(model, limits, retried) if limits else model
        return self._connected

    def _count(self, what: str, amount: float = 1) -> None:
        self._usage[what] = self._usage.get(what, 0) + amount


class CachedScorer(CachedModel, Scorer):
    """A cached model that also says how likely it finds an answer."""

    async def log_probabilities(
        self, messages: Sequence[Message], answer: str
    ) -> tuple[float, ...]:
        """The kept log-probabilities, or the model's."""

        async def ask() -> str:
            model = await self._model()
            if not isinstance(model, Scorer):
                raise ConfigError(f"model {self.name!r} cannot say how likely an answer is")
            return json.dumps(await model.log_probabilities(messages, answer))

        shown: list[JsonValue] = [message.model_dump() for message in messages]
        kept = await self._kept({"likelihoods_of": answer, "after": shown}, ask)
        each = tuple(map(float, json.loads(kept)))
        self._count("tokens_in", len(each))
        return each
