"""Between a stage and its model: answers are kept, and a model starts only when it must."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from pydantic import JsonValue

from openbezoar.component import digest, science
from openbezoar.errors import ConfigError
from openbezoar.families import ChatModel, Connect, ModelSpec, Request, Scorer
from openbezoar.models.budget import Account
from openbezoar.models.database import connect, explained
from openbezoar.models.limits import limits_of
from openbezoar.models.retrying import RetryingModel
from openbezoar.models.spending import Spending
from openbezoar.records import Completion, Message

__all__ = ["Answers", "CachedModel", "CachedScorer", "open_model"]

TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)"


@asynccontextmanager
async def open_model(
    spec: ModelSpec, database: Path, usage: dict[str, float], spending: Spending | None = None
) -> AsyncIterator[ChatModel]:
    """Give the model behind its cache of answers; it is connected at the first unknown request.

    `usage` counts every request and its tokens, in `cached` how many were not asked anew, and where
    they occur `retries`, `usd`, in `unpriced` the answers that cost nobody knows what, and in
    `uncounted` those whose tokens a server did not count.
    `spending` holds the budgets of the run.
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
        self._explained = partial(explained, path, "answers will be asked anew")
        with self._explained():
            self._connection = connect(path, "NORMAL", TABLE)

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
        self._identity = spec.identity()
        self._counter: JsonValue = {"model": science(spec), "evidence": spec.evidence()}
        self._answers = answers
        self._account = account
        self._usage = usage
        self._stack = stack
        self._connect: Connect = partial(spec.connect_in, answers.folder)
        self._connected: ChatModel | None = None
        self._connecting = asyncio.Lock()
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def complete(self, request: Request) -> Completion:
        """The kept answer, or the model's; an error is not kept."""

        async def ask() -> str:
            model = await self._model()
            return (await self._account.ask(request, model.complete)).model_dump_json()

        kept, known = await self._asked({"request": request.model_dump(mode="json")}, ask)
        completion = Completion.model_validate_json(kept)
        if completion.tokens_in is None or completion.tokens_out is None:
            self._count("uncounted")
        self._count("tokens_in", completion.tokens_in or 0)
        self._count("tokens_out", completion.tokens_out or 0)
        usd = self._account.usd(completion)
        if usd is not None:
            self._count("usd", 0.0 if known else usd)
        elif self._spec.bills and not known:
            self._count("unpriced")
        return completion

    async def count_tokens(self, text: str) -> int:
        """The kept count, or the model's; no request among those that are counted."""

        async def ask() -> str:
            model = await self._model()
            return str(await model.count_tokens(text))

        kept, _ = await self._kept([self._counter, {"tokens_of": text}], ask)
        return int(kept)

    def send_through(self, connect: Connect) -> None:
        """What the cache cannot answer is sent there."""
        self._connect = connect

    async def _asked(
        self, question: JsonValue, ask: Callable[[], Awaitable[str]]
    ) -> tuple[str, bool]:
        answer, known = await self._kept([self._identity, question], ask)
        self._count("requests")
        self._count("cached", int(known))
        return answer, known

    async def _kept(
        self, question: JsonValue, ask: Callable[[], Awaitable[str]]
    ) -> tuple[str, bool]:
        """The answer, and whether it was known."""
        key = digest(question)
        async with self._asking.setdefault(key, asyncio.Lock()):
            answer = self._answers.find(key)
            known = answer is not None
            if answer is None:
                answer = await ask()
                self._answers.put(key, answer)
        return answer, known

    async def _model(self) -> ChatModel:
        async with self._connecting:
            if self._connected is None:
                model = await self._stack.enter_async_context(self._connect())
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
            self._account.check_time()
            return json.dumps(await model.log_probabilities(messages, answer))

        shown: list[JsonValue] = [message.model_dump() for message in messages]
        kept, _ = await self._asked({"likelihoods_of": answer, "after": shown}, ask)
        each = tuple(map(float, json.loads(kept)))
        self._count("tokens_in", len(each))
        return each
