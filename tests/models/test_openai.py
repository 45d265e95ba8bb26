"""The client of OpenAI-compatible servers, against a real server on loopback."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar.component import science
from openbezoar.errors import ConfigError, ModelError, OpenBezoarError, ParseError
from openbezoar.families import Piece, Request, Sampling
from openbezoar.models.endpoint import Endpoint
from openbezoar.models.openai import OpenAI
from openbezoar.models.retrying import Trouble
from openbezoar.records import Completion

Ask = Callable[..., Request]
CANARY = "canary-4711-secret"


def spec(url: str, **settings: Any) -> OpenAI:
    return OpenAI(model="m", runtime=Endpoint(base_url=url, timeout=5), **settings)


async def answered(model: OpenAI, request: Request) -> Completion:
    async with model.connect() as opened:
        return await opened.complete(request)


async def test_an_answer_comes_with_its_tokens_and_finish_reason(
    serve: Any, chat: Any, ask: Ask
) -> None:
    served = serve(lambda body: chat("blue", "length"))
    completion = await answered(spec(served.url), ask())
    assert completion == Completion(
        text="blue", finish_reason="length", tokens_in=7, tokens_out=3, model="m"
    )


async def test_a_server_that_knows_no_schema_is_sent_none(serve: Any, chat: Any, ask: Ask) -> None:
    served = serve(lambda body: chat("{}"))
    model = spec(served.url, omit=("response_format",))
    await answered(model, ask("hi", json_schema={"type": "object"}))
    assert "response_format" not in served.bodies[0]


async def test_the_request_says_what_the_settings_say(serve: Any, chat: Any, ask: Ask) -> None:
    served = serve(lambda body: chat("blue"))
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=5, stop=("\n",))
    model = spec(served.url, tokens_field="max_completion_tokens", omit=("top_p",))
    schema = {"type": "object"}
    await answered(model, ask("hi", sampling=sampling, seed=3, json_schema=schema))
    assert served.bodies == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "hi"}],
            "max_completion_tokens": 5,
            "temperature": 0.5,
            "stop": ["\n"],
            "seed": 3,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": schema, "strict": True},
            },
        }
    ]


@pytest.mark.parametrize("reply", [{"tokens": [5, 6, 7]}, {"tokens": [5, 6, 7], "count": 3}])
async def test_a_server_counts_tokens_in_the_words_of_two_protocols(
    serve: Any, reply: dict[str, Any]
) -> None:
    served = serve(lambda body: (200, reply))
    async with spec(served.url, tokenizer="server").connect() as opened:
        assert await opened.count_tokens("one 日 three") == 3
    (body,) = served.bodies
    assert body["prompt"] == body["content"] == "one 日 three"
    assert body["add_special"] is body["add_special_tokens"] is False
    assert served.paths == ["/tokenize"]


@pytest.mark.parametrize(
    "reply", [(404, {}), (200, "pong"), (200, []), (200, {"tokens": 3}), (200, "<html>")]
)
async def test_a_server_that_cannot_count_says_what_to_set(serve: Any, reply: Any) -> None:
    served = serve(lambda body: reply)
    async with spec(served.url, tokenizer="server").connect() as opened:
        with pytest.raises(ConfigError, match=r"does not count tokens .*name its `tokenizer`"):
            await opened.count_tokens("text")


async def test_without_a_tokenizer_nothing_is_guessed(serve: Any) -> None:
    model = spec(serve(lambda body: (200, {"tokens": []})).url)
    assert not model.counts
    async with model.connect() as opened:
        with pytest.raises(ConfigError, match="shows no tokenizer"):
            await opened.count_tokens("text")


async def test_a_tokenizer_of_a_folder_counts_without_the_server(tiny_checkpoint: Path) -> None:
    model = spec("http://127.0.0.1:9/v1", tokenizer=str(tiny_checkpoint))
    model.check_ready()
    async with model.connect() as opened:
        assert await opened.count_tokens("日") == 3


def test_naming_a_tokenizer_changes_the_science_and_no_answer(tiny_checkpoint: Path) -> None:
    plain, counting = OpenAI(model="m"), OpenAI(model="m", tokenizer=str(tiny_checkpoint))
    assert science(plain) != science(counting)
    assert plain.evidence() is None
    assert counting.evidence() is not None
    assert plain.identity() == counting.identity()


def test_a_missing_tokenizer_is_found_before_a_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no tokenizer\.json"):
        spec("http://127.0.0.1:9/v1", tokenizer=str(tmp_path)).check_ready()


async def test_another_attempt_is_asked_with_another_seed(serve: Any, chat: Any, ask: Ask) -> None:
    served = serve(lambda body: chat("blue"))
    await answered(spec(served.url), ask(seed=3))
    await answered(spec(served.url), ask(seed=3, attempt=1))
    assert served.bodies[0]["seed"] != served.bodies[1]["seed"]


@pytest.mark.parametrize(
    "reply", [{"choices": []}, {"choices": None}, {"choices": [{}]}, {"content": None}]
)
async def test_a_missing_answer_is_an_empty_text(
    serve: Any, chat: Any, ask: Ask, reply: dict[str, Any]
) -> None:
    served = serve(lambda body: (200, {**chat(None, "content_filter")[1], **reply}))
    completion = await answered(spec(served.url), ask())
    assert completion.text == ""
    assert completion.finish_reason == ("content_filter" if "content" in reply else "")


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_request_that_is_refused_fails_its_row_only(
    serve: Any, ask: Ask, status: int
) -> None:
    served = serve(lambda body: (status, {"error": {"message": "prompt too long"}}))
    with pytest.raises(ParseError, match=r"refused by the server: .*prompt too long"):
        await answered(spec(served.url), ask())


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "look at the variable OPENAI_API_KEY"),
        (403, "look at the variable OPENAI_API_KEY"),
        (404, "knows no such model"),
        (418, r"failed with status 418 \(.*no luck"),
        (503, r"failed with status 503 \(.*no luck"),
    ],
)
async def test_a_server_that_cannot_answer_stops_the_stage_with_one_line(
    serve: Any, ask: Ask, status: int, said: str
) -> None:
    served = serve(lambda body: (status, {"error": {"message": "no\nluck"}}))
    with pytest.raises(ModelError, match=said) as failure:
        await answered(spec(served.url), ask())
    assert served.url in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("reply", ['"a word"', "[]", "{}", '{"choices": 3}'])
async def test_a_reply_that_is_no_completion_stops_the_stage(
    serve: Any, ask: Ask, reply: str
) -> None:
    served = serve(lambda body: (200, reply))
    with pytest.raises(ModelError, match="did not answer with a chat completion") as failure:
        await answered(spec(served.url), ask())
    assert not isinstance(failure.value, Trouble)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, "busy"),
        (503, "busy"),
        (529, "busy"),
        (500, "broken"),
        (502, "broken"),
        (408, "broken"),
    ],
)
async def test_a_server_in_trouble_may_be_asked_again_by_others(
    serve: Any, ask: Ask, status: int, kind: str
) -> None:
    served = serve(lambda body: (status, {}))
    with pytest.raises(Trouble, match=f"failed with status {status}") as trouble:
        await answered(spec(served.url), ask())
    assert (trouble.value.kind, len(served.bodies)) == (kind, 1)


async def test_broken_json_is_trouble_too(serve: Any, ask: Ask) -> None:
    served = serve(lambda body: (200, '{"choices": [{"mess'))
    with pytest.raises(Trouble, match="broken JSON"):
        await answered(spec(served.url), ask())


async def test_an_unreachable_server_is_named_with_the_fix(ask: Ask) -> None:
    said = r"127\.0\.0\.1:9/v1 cannot be reached; start the server"
    with pytest.raises(Trouble, match=said) as trouble:
        await answered(spec("http://127.0.0.1:9/v1"), ask())
    assert trouble.value.kind == "away"


def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    model = OpenAI(model="m", runtime=Endpoint(api_key_env="A_KEY"))
    with pytest.raises(ConfigError, match="environment variable A_KEY is not set"):
        model.connect()


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key_env": "sk-123"},
        {"base_url": "http://me:secret@host/v1"},
        {"base_url": "http://host/v1?key=secret"},
        {"base_url": "localhost:8000"},
    ],
)
def test_a_key_has_no_place_in_the_settings(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Endpoint(**settings)


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_a_key_is_sent_and_never_shown(
    serve: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: Any, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    served = serve(lambda body: (status, {"error": {"message": f"bad key {CANARY}"}}))
    model = spec(served.url)
    async with model.connect() as opened:
        with pytest.raises(OpenBezoarError) as failure:
            await opened.complete(ask())
        shown = f"{failure.value!r} {failure.value} {opened!r} {model!r} {science(model)}"
    assert served.headers[0]["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in shown + caplog.text


def test_the_address_is_no_part_of_the_science() -> None:
    near, far = spec("http://127.0.0.1:1/v1"), spec("https://far.example/v1")
    assert science(near) == science(far)


def sent(*texts: str | None, end: str = "stop") -> str:
    """A streamed answer as a server sends it."""
    pieces = [
        {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m",
         "choices": [{"index": 0, "delta": {"content": text}}]}
        for text in texts
    ]  # fmt: skip
    ended = {"index": 0, "delta": {}, "finish_reason": end}
    pieces += [{**pieces[0], "choices": [ended]}, {**pieces[0], "choices": []}]
    return "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + "data: [DONE]\n\n"


async def test_an_answer_is_streamed_piece_by_piece(serve: Any, ask: Ask) -> None:
    served = serve(lambda body: (200, sent("One", None, " two", "", end="length")))
    async with spec(served.url).connect() as model:
        pieces = [piece async for piece in model.stream(ask())]
    assert pieces == [Piece("One"), Piece(" two"), Piece("", "length")]
    assert served.bodies[0]["stream"] is True


async def test_a_stream_that_is_refused_says_why(serve: Any, ask: Ask) -> None:
    served = serve(lambda body: (500, {"error": {"message": "no"}}))
    async with spec(served.url).connect() as model:
        with pytest.raises(ModelError):
            _ = [piece async for piece in model.stream(ask())]
