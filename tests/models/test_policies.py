"""The cache of answers: kept at once, asked once, and connected only when needed."""

import asyncio
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ParseError, StoreError
from openbezoar.families import ChatModel, ModelSpec, Request, Sampling, Scorer
from openbezoar.models.endpoint import Endpoint
from openbezoar.models.openai import OpenAI
from openbezoar.models.policies import Answers, open_model
from openbezoar.models.scripted import ScriptedModel
from openbezoar.records import Message

Ask = Callable[..., Request]
CONNECTED: list[str] = []
ASKED: list[str] = []


class Echo(ModelSpec):
    """Answers with the question; notes when it is connected and asked."""

    revision: str = "1"

    @property
    def label(self) -> str:
        return "echo"

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        return self._connected()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ChatModel]:
        CONNECTED.append(self.label)
        yield EchoModel(self._answer)
        CONNECTED.append("closed")

    def _answer(self, request: Request) -> str:
        ASKED.append(request.messages[-1].content)
        if "fail" in ASKED[-1]:
            raise ParseError("refused")
        return ASKED[-1]


class ScoringEcho(Echo):
    """Echo, which also scores."""

    scores = True


class EchoModel(ScriptedModel, Scorer):
    """Scores an answer by its words."""

    async def log_probabilities(
        self, messages: Sequence[Message], answer: str
    ) -> tuple[float, ...]:
        ASKED.append(answer)
        return tuple(-0.1 - len(messages) for _ in answer.split())


@pytest.fixture(autouse=True)
def _forget() -> None:
    CONNECTED.clear()
    ASKED.clear()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers.sqlite"


async def replies(spec: ModelSpec, database: Path, requests: Sequence[Request]) -> dict[str, float]:
    usage: dict[str, float] = {}
    async with open_model(spec, database, usage) as model:
        for request in requests:
            assert (await model.complete(request)).text == request.messages[-1].content
    return usage


async def test_a_second_run_asks_nothing_and_connects_to_nothing(database: Path, ask: Ask) -> None:
    first = await replies(Echo(), database, [ask("a b"), ask("c")])
    assert first == {"requests": 2, "cached": 0, "tokens_in": 3, "tokens_out": 3}
    CONNECTED.clear()
    second = await replies(Echo(), database, [ask("a b"), ask("c")])
    assert second == {**first, "cached": 2}
    assert CONNECTED == []


async def test_a_model_is_connected_once_and_closed_at_the_end(database: Path, ask: Ask) -> None:
    await replies(Echo(), database, [ask("a"), ask("b")])
    assert CONNECTED == ["echo", "closed"]


async def test_what_the_cache_lacks_is_sent_where_the_model_was_told(
    database: Path, ask: Ask
) -> None:
    await replies(Echo(), database, [ask("a")])
    CONNECTED.clear()
    other = ScriptedModel(lambda request: request.messages[-1].content.upper())

    @asynccontextmanager
    async def connect() -> AsyncIterator[ChatModel]:
        yield other

    async with open_model(Echo(), database, {}) as model:
        model.send_through(connect)
        said = [(await model.complete(ask(text))).text for text in ("a", "b")]
    assert (said, CONNECTED) == (["a", "B"], [])
    assert [request.messages[-1].content for request in other.requests] == ["b"]


async def test_one_more_row_is_one_more_request(database: Path, ask: Ask) -> None:
    await replies(Echo(), database, [ask("a"), ask("b")])
    ASKED.clear()
    await replies(Echo(), database, [ask("new"), ask("a"), ask("b")])
    assert ASKED == ["new"]


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1},
        {"attempt": 1},
        {"json_schema": {"type": "object"}},
        {"sampling": Sampling(temperature=0, max_tokens=9)},
    ],
)
async def test_any_change_of_the_request_is_asked_anew(
    database: Path, ask: Ask, changed: dict[str, Any]
) -> None:
    await replies(Echo(), database, [ask("a"), ask("a", **changed)])
    assert ASKED == ["a", "a"]


async def test_another_model_does_not_get_the_first_ones_answers(database: Path, ask: Ask) -> None:
    await replies(Echo(), database, [ask("a")])
    await replies(Echo(revision="2"), database, [ask("a")])
    assert ASKED == ["a", "a"]


async def test_equal_requests_in_flight_are_asked_once(database: Path, ask: Ask) -> None:
    usage: dict[str, float] = {}
    async with open_model(Echo(), database, usage) as model:
        await asyncio.gather(*(model.complete(ask("a")) for _ in range(5)))
    assert ASKED == ["a"]
    assert usage["requests"] == 5
    assert usage["cached"] == 4


async def test_an_error_is_not_kept(database: Path, ask: Ask) -> None:
    async with open_model(Echo(), database, {}) as model:
        for _ in range(2):
            with pytest.raises(ParseError):
                await model.complete(ask("fail"))
    assert ASKED == ["fail", "fail"]


async def test_scores_are_kept_too(database: Path, ask: Ask) -> None:
    asked = ask("q").messages
    for _ in range(2):
        async with open_model(ScoringEcho(), database, {}) as model:
            assert isinstance(model, Scorer)
            assert await model.log_probabilities(asked, "two words") == (-1.1, -1.1)
            assert await model.log_probabilities((), "two words") == (-0.1, -0.1)
    assert ASKED == ["two words", "two words"]


async def test_a_count_is_kept_and_is_no_request(database: Path, ask: Ask) -> None:
    for connections in (["echo", "closed"], []):
        CONNECTED.clear()
        usage: dict[str, float] = {}
        async with open_model(Echo(), database, usage) as model:
            assert await model.count_tokens("three words here") == 3
        assert (CONNECTED, usage) == (connections, {})


async def test_naming_a_tokenizer_keeps_what_was_answered(
    database: Path, ask: Ask, serve: Any, chat: Any, tiny_checkpoint: Path
) -> None:
    runtime = Endpoint(base_url=serve(lambda body: chat("yes")).url)
    plain = OpenAI(model="m", runtime=runtime)
    usage: dict[str, float] = {}
    for spec in (plain, plain.model_copy(update={"tokenizer": str(tiny_checkpoint)})):
        async with open_model(spec, database, usage) as model:
            await model.complete(ask("1"))
    assert (usage["requests"], usage["cached"]) == (2, 1)


async def test_only_a_model_that_scores_looks_like_one(database: Path) -> None:
    async with open_model(Echo(), database, {}) as model:
        assert not isinstance(model, Scorer)


def test_an_answer_survives_a_killed_process(database: Path) -> None:
    script = (
        "import os, signal; from pathlib import Path\n"
        "from openbezoar.models.policies import Answers\n"
        f"answers = Answers(Path({str(database)!r}))\n"
        "[answers.put(str(n), 'kept') for n in range(100)]\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    again = Answers(database)
    assert [again.find(str(n)) for n in range(100)] == ["kept"] * 100
    again.close()


def test_two_connections_share_the_answers(database: Path) -> None:
    one, other = Answers(database), Answers(database)
    one.put("key", "first")
    other.put("key", "second")
    assert other.find("key") == one.find("key") == "first"
    one.close()
    other.close()


def test_a_full_disk_is_one_clear_line(database: Path) -> None:
    answers = Answers(database)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        with pytest.raises(StoreError, match=r"answers\.sqlite: cannot be used .*make room"):
            answers.put("key", "x" * 10**6)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        answers.close()


def test_a_file_that_is_no_database_is_named_with_the_fix(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_text("not a database, " * 100)
    with pytest.raises(StoreError, match=r"answers\.sqlite: is broken .*remove it"):
        Answers(path)


def test_a_cache_that_another_program_holds_is_waited_for(database: Path) -> None:
    answers = Answers(database)
    other = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, other.rollback)
    release.start()
    answers.put("key", "kept")
    assert answers.find("key") == "kept"
    release.join()
    other.close()
    answers.close()


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 0, "completion_tokens": 0}])
async def test_answers_whose_tokens_the_server_did_not_count_are_told_apart(
    database: Path, ask: Ask, serve: Any, chat: Any, usage: dict[str, int] | None
) -> None:
    status, said = chat("yes")
    replies = [(status, {**said, "usage": usage}), chat("no")]
    url = serve(lambda body: replies.pop(0)).url
    counted: dict[str, float] = {}
    spec = OpenAI(model="m", runtime=Endpoint(base_url=url))
    async with open_model(spec, database, counted) as model:
        answers = [await model.complete(ask(text)) for text in ("1", "2", "1")]
    assert [answer.tokens_in for answer in answers] == [None, 7, None]
    assert (counted["uncounted"], counted["tokens_in"], counted["cached"]) == (2, 7, 1)


async def test_retries_are_counted_where_they_occur(
    database: Path, ask: Ask, serve: Any, chat: Any
) -> None:
    replies = [(500, {}), chat("yes"), chat("yes")]
    url = serve(lambda body: replies.pop(0)).url
    usage: dict[str, float] = {}
    async with open_model(OpenAI(model="m", runtime=Endpoint(base_url=url)), database, usage) as m:
        await m.complete(ask("1"))
        await m.complete(ask("2"))
    counted = {"requests": 2, "cached": 0, "tokens_in": 14, "tokens_out": 6}
    assert usage == {**counted, "retries": 1, "unpriced": 2}
