"""The Batch APIs of OpenAI and Anthropic, spoken by a server on loopback that both kinds meet."""

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError, ModelError, ParseError
from openbezoar.families import ModelSpec, Request
from openbezoar.models.anthropic import Anthropic
from openbezoar.models.openai import OpenAI
from openbezoar.models.policies import open_model
from openbezoar.models.retrying import Trouble
from openbezoar.records import Completion

Ask = Callable[..., Request]
KINDS: dict[str, type[ModelSpec]] = {"openai": OpenAI, "anthropic": Anthropic}
CANARY = "canary-4711-secret"
KILLED = """
import asyncio, sys
from pathlib import Path
from openbezoar.families import Request
from openbezoar.models.anthropic import Anthropic
from openbezoar.models.openai import OpenAI

async def ask(spec, folder, requests):
    async with spec.connect_in(folder) as model:
        await asyncio.gather(*map(model.complete, requests))

kind, spec, folder, *requests = sys.argv[1:]
spec = {"openai": OpenAI, "anthropic": Anthropic}[kind].model_validate_json(spec)
asyncio.run(ask(spec, Path(folder), [Request.model_validate_json(one) for one in requests]))
"""


@dataclass
class Provider:
    """What was sent in which batch, and what becomes of it."""

    url: str = ""
    batches: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    marks: list[Any] = field(default_factory=list)
    fate: Callable[[str], str] = lambda text: "succeeded"
    """By the question: succeeded, refused, expired or fault."""
    running: bool = False
    """Whether batches are still under way."""
    troubles: list[str] = field(default_factory=list)
    """What happens to the next calls, as `METHOD what`; `lost` takes a batch in and hangs up."""
    whole: str = "completed"
    """The state that an OpenAI batch ends in."""
    uploads: list[dict[str, dict[str, Any]]] = field(default_factory=list)

    def results(self, number: int) -> list[tuple[str, str, str]]:
        """Key, question and fate of each request, the last first."""
        asked = [(key, one["messages"][-1]["content"]) for key, one in self.batches[number].items()]
        return [(key, text, self.fate(text)) for key, text in reversed(asked)]


class Conversation(BaseHTTPRequestHandler):
    """Speaks both providers' protocols about one Provider."""

    provider: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/files"):
            lines = [json.loads(line) for line in re.findall(rb'^\{"custom_id".*$', body, re.M)]
            self.provider.uploads.append({one["custom_id"]: one["body"] for one in lines})
            self._say({"id": f"file-{len(self.provider.uploads) - 1}", "object": "file"})
            return
        trouble = self._trouble("POST")
        if trouble == "fault":
            self._say(ERROR, 500)
            return
        asked = json.loads(body)
        if trouble == "refused":
            self._say(ERROR, 400)
            return
        self._take(asked)
        if trouble == "lost":
            self.connection.close()
            return
        self._say(self._batch(len(self.provider.batches) - 1))

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        name = re.search(r"(?:batch|out|err)-(\d+)", path)
        if self._trouble("GET") == "fault":
            self._say(ERROR, 500)
        elif name is None:
            every = [self._batch(one) for one in reversed(range(len(self.provider.batches)))]
            self._say({"object": "list", "data": every, "has_more": False})
        elif path.endswith(("/content", "/results")):
            self._send("".join(self._lines(path, int(name[1]))).encode())
        else:
            self._say(self._batch(int(name[1])))

    def log_message(self, *args: Any) -> None:
        """Stay silent."""

    def _trouble(self, method: str) -> str:
        troubles = self.provider.troubles
        return troubles.pop(0).split()[1] if troubles and troubles[0].startswith(method) else ""

    def _take(self, asked: dict[str, Any]) -> None:
        if "requests" in asked:
            sent = {one["custom_id"]: one["params"] for one in asked["requests"]}
        else:
            sent = self.provider.uploads[int(asked["input_file_id"].removeprefix("file-"))]
        self.provider.batches.append(sent)
        self.provider.marks.append(asked.get("metadata"))

    def _batch(self, number: int) -> dict[str, Any]:
        if "/messages/" in self.path:
            counts = {"succeeded": 0, "errored": 0, "expired": 0, "canceled": 0}
            return {
                "id": f"batch-{number}",
                "type": "message_batch",
                "processing_status": "in_progress" if self.provider.running else "ended",
                "request_counts": {"processing": len(self.provider.batches[number]), **counts},
                "results_url": f"{self.provider.url}/messages/batches/batch-{number}/results",
                "created_at": "2099-01-01T00:00:00Z",
                "expires_at": "2099-01-02T00:00:00Z",
            }
        return {
            "id": f"batch-{number}",
            "object": "batch",
            "status": "in_progress" if self.provider.running else self.provider.whole,
            "metadata": self.provider.marks[number],
            "output_file_id": f"out-{number}",
            "error_file_id": f"err-{number}",
            "errors": {"object": "list", "data": [{"message": "no such model"}]},
        }

    def _lines(self, path: str, number: int) -> Iterator[str]:
        for key, text, fate in self.provider.results(number):
            if path.endswith("/results"):
                yield json.dumps({"custom_id": key, "result": in_messages(text, fate)}) + "\n"
            elif ("err-" in path) == (fate != "succeeded"):
                yield json.dumps({"custom_id": key, **in_chat(text, fate)}) + "\n"

    def _say(self, content: Any, status: int = 200) -> None:
        self._send(json.dumps(content).encode(), status)

    def _send(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


ERROR = {"type": "error", "error": {"type": "some_error", "message": f"no luck, {CANARY}"}}


def in_messages(text: str, fate: str) -> dict[str, Any]:
    if fate == "succeeded":
        content = [{"type": "text", "text": text.upper()}]
        usage = {"input_tokens": 7, "output_tokens": 3}
        return {
            "type": "succeeded",
            "message": {"type": "message", "content": content, "stop_reason": "end_turn"}
            | {"usage": usage},
        }
    kinds = {"refused": "invalid_request_error", "fault": "api_error"}
    if fate == "expired":
        return {"type": "expired"}
    error = {"type": kinds[fate], "message": "too\nlong"}
    return {"type": "errored", "error": {"type": "error", "error": error}}


def in_chat(text: str, fate: str) -> dict[str, Any]:
    if fate == "expired":
        return {"response": None, "error": {"code": "batch_expired", "message": "expired"}}
    if fate == "succeeded":
        choice = {"finish_reason": "stop", "message": {"content": text.upper()}}
        usage = {"prompt_tokens": 7, "completion_tokens": 3}
        return {"response": {"status_code": 200, "body": {"choices": [choice], "usage": usage}}}
    status = {"refused": 400, "fault": 500}[fate]
    return {"response": {"status_code": status, "body": {"error": {"message": "too\nlong"}}}}


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def provider() -> Iterator[Provider]:
    given = Provider()
    handler = type("Given", (Conversation,), {"provider": given})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    given.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield given
    server.shutdown()
    server.server_close()
    thread.join()


def spec(kind: str, provider: Provider, **runtime: Any) -> ModelSpec:
    url = provider.url if kind == "openai" else provider.url.removesuffix("/v1")
    settings = {
        "base_url": url,
        "batch": True,
        "batch_wait": 0.05,
        "batch_poll": 0.02,
        "timeout": 5,
    }
    return KINDS[kind].model_validate({"model": "m", "runtime": {**settings, **runtime}})


async def answered(
    model: ModelSpec, folder: Path, *requests: Request
) -> list[Completion | BaseException]:
    async with model.connect_in(folder) as opened:
        asked = map(opened.complete, requests)
        return await asyncio.gather(*asked, return_exceptions=True)


def texts(answers: list[Completion | BaseException]) -> list[str]:
    return [one.text if isinstance(one, Completion) else repr(one) for one in answers]


def sent(provider: Provider) -> list[dict[str, Any]]:
    return [fields for batch in provider.batches for fields in batch.values()]


async def test_requests_go_in_one_batch_and_answers_find_their_own(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    requests = [ask(text) for text in ("red", "green", "blue")]
    answers = await answered(spec(kind, provider), tmp_path, *requests)
    assert texts(answers) == ["RED", "GREEN", "BLUE"]
    assert [len(one) for one in provider.batches] == [3]
    assert all(one["model"] == "m" and "extra_body" not in one for one in sent(provider))
    assert answers[0] == Completion(
        text="RED", finish_reason="stop", tokens_in=7, tokens_out=3, model="m"
    )


async def test_a_full_batch_does_not_wait_for_more(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    requests = [ask(text) for text in ("red", "green", "blue", "grey")]
    model = spec(kind, provider, batch_size=2, batch_wait=60)
    answers = await answered(model, tmp_path, *requests)
    assert texts(answers) == ["RED", "GREEN", "BLUE", "GREY"]
    assert [len(one) for one in provider.batches] == [2, 2]


async def test_a_refused_request_fails_its_row_only(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    provider.fate = lambda text: "refused" if text == "green" else "succeeded"
    requests = [ask(text) for text in ("red", "green", "blue")]
    red, green, blue = await answered(spec(kind, provider), tmp_path, *requests)
    assert texts([red, blue]) == ["RED", "BLUE"]
    assert isinstance(green, ParseError)
    assert str(green) == "refused by the server: too long"


@pytest.mark.parametrize("fate", ["expired", "fault"])
async def test_what_a_batch_leaves_open_is_asked_again(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask, fate: str
) -> None:
    provider.fate = lambda text: (
        fate if len(provider.batches) == 1 and text == "green" else ("succeeded")
    )
    requests = [ask(text) for text in ("red", "green", "blue")]
    answers = await answered(spec(kind, provider), tmp_path, *requests)
    assert texts(answers) == ["RED", "GREEN", "BLUE"]
    assert [len(one) for one in provider.batches] == [3, 1]


async def test_what_three_batches_leave_open_fails_its_row(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    provider.fate = lambda text: "expired"
    (answer,) = await answered(spec(kind, provider), tmp_path, ask())
    assert isinstance(answer, ParseError)
    assert len(provider.batches) == 3


@pytest.mark.slow
async def test_a_killed_process_finds_its_batch_again(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    provider.running = True
    model = spec(kind, provider)
    requests = [ask(text) for text in ("red", "green", "blue")]
    kill_when_sent(provider, kind, model, tmp_path, requests)
    provider.running = False
    answers = await answered(model, tmp_path, *requests)
    assert texts(answers) == ["RED", "GREEN", "BLUE"]
    assert len(provider.batches) == 1


def kill_when_sent(
    provider: Provider, kind: str, model: ModelSpec, folder: Path, requests: list[Request]
) -> None:
    shown = [one.model_dump_json() for one in [model, *requests]]
    command = [sys.executable, "-c", KILLED, kind, shown[0], str(folder), *shown[1:]]
    with subprocess.Popen(command) as process:
        while not provider.batches and process.poll() is None:
            time.sleep(0.01)
        process.kill()


async def test_a_batch_whose_reply_was_lost_is_found_and_not_paid_twice(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    provider.troubles = ["POST lost"]
    requests = [ask("red"), ask("blue")]
    lost = await answered(spec(kind, provider), tmp_path, *requests)
    assert all(isinstance(one, Trouble) and one.kind == "away" for one in lost)
    found = await answered(spec(kind, provider), tmp_path, *requests)
    assert texts(found) == ["RED", "BLUE"]
    assert len(provider.batches) == 1


async def test_a_batch_that_never_arrived_is_sent_anew(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    provider.troubles = ["POST fault"]
    (failed,) = await answered(spec(kind, provider), tmp_path, ask("red"))
    assert isinstance(failed, Trouble)
    assert texts(await answered(spec(kind, provider), tmp_path, ask("red"))) == ["RED"]
    assert len(provider.batches) == 1


async def test_a_batch_of_somebody_else_is_not_taken_for_ours(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    await answered(spec(kind, provider), tmp_path / "theirs", ask("green"))
    provider.troubles = ["POST fault"]
    await answered(spec(kind, provider), tmp_path / "ours", ask("red"))
    assert texts(await answered(spec(kind, provider), tmp_path / "ours", ask("red"))) == ["RED"]
    assert len(provider.batches) == 2


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["POST lost", "POST fault"])
async def test_a_stage_goes_on_by_itself_after_trouble_with_its_batch(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask, trouble: str
) -> None:
    provider.troubles = [trouble]
    requests = [ask("red"), ask("blue")]
    patient = spec(kind, provider, batch_wait=2)  # both tries fit in, however they are jittered
    async with open_model(patient, tmp_path / "answers.sqlite", {}) as model:
        answers = await asyncio.gather(*map(model.complete, requests))
    assert [one.text for one in answers] == ["RED", "BLUE"]
    assert [len(one) for one in provider.batches] == [2]


async def test_looks_that_fail_do_not_end_the_wait(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    provider.troubles = ["GET fault"] * 4
    assert texts(await answered(spec(kind, provider), tmp_path, ask("red"))) == ["RED"]


async def test_answers_stay_until_whoever_asked_has_ended_well(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    model = spec(kind, provider)
    with pytest.raises(ModelError, match="elsewhere"):
        await end_badly(model, tmp_path, ask("red"))
    assert texts(await answered(model, tmp_path, ask("red"))) == ["RED"]
    assert len(provider.batches) == 1
    assert texts(await answered(model, tmp_path, ask("red"))) == ["RED"]
    assert len(provider.batches) == 2


async def end_badly(model: ModelSpec, folder: Path, request: Request) -> None:
    async with model.connect_in(folder) as opened:
        await opened.complete(request)
        raise ModelError("elsewhere")


async def test_a_batch_refused_as_a_whole_stops_the_stage_and_is_sent_anew_by_the_next_run(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{kind.upper()}_API_KEY", CANARY)
    provider.troubles = ["POST refused"]
    (refused,) = await answered(spec(kind, provider), tmp_path, ask("red"))
    assert isinstance(refused, ModelError)
    assert "its batch was refused" in str(refused)
    assert CANARY not in repr(refused)
    assert texts(await answered(spec(kind, provider), tmp_path, ask("red"))) == ["RED"]


async def test_a_batch_that_fails_its_validation_stops_the_stage(
    provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    provider.whole = "failed"
    (failed,) = await answered(spec("openai", provider), tmp_path, ask("red"))
    assert isinstance(failed, ModelError)
    assert "its batch was refused (no such model)" in str(failed)


async def test_a_stage_in_batches_keeps_its_answers_beside_the_ledger(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask
) -> None:
    usage: dict[str, float] = {}
    requests = [ask(str(number)) for number in range(40)]
    for _ in range(2):
        async with open_model(spec(kind, provider), tmp_path / "answers.sqlite", usage) as model:
            await asyncio.gather(*map(model.complete, requests))
    assert [len(one) for one in provider.batches] == [40]
    assert usage["cached"] == 40
    assert {"answers.sqlite", "batches.sqlite"} <= set(contents(tmp_path))


async def test_no_key_is_written_down(
    kind: str, provider: Provider, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{kind.upper()}_API_KEY", CANARY)
    provider.running = True
    async with spec(kind, provider).connect_in(tmp_path) as opened:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(opened.complete(ask("red")), 0.5)
    assert len(provider.batches) == 1
    assert CANARY.encode() not in b"".join(contents(tmp_path).values())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_model_in_batches_counts_at_once(
    kind: str, provider: Provider, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    tokenizer = {"tokenizer": str(tiny_checkpoint)} if kind == "openai" else {}
    model = spec(kind, provider).model_copy(update=tokenizer)
    async with model.connect_in(tmp_path) as opened:
        if model.counts:
            assert await opened.count_tokens("four") == 4
        else:
            with pytest.raises(ConfigError, match="shows no tokenizer"):
                await opened.count_tokens("four")
    assert provider.batches == []


async def test_batches_without_a_folder_are_refused(kind: str, provider: Provider) -> None:
    with pytest.raises(ConfigError, match="need a folder"):
        async with spec(kind, provider).connect():
            pass
