"""The client of Anthropic's Messages API, against a real server on loopback."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from openbezoar.component import science
from openbezoar.errors import ConfigError, ModelError, OpenBezoarError, ParseError
from openbezoar.families import Request, Sampling
from openbezoar.models.anthropic import Anthropic, AnthropicEndpoint
from openbezoar.models.retrying import Trouble
from openbezoar.records import Completion, Message

Ask = Callable[..., Request]
CANARY = "canary-4711-secret"
SCHEMA = {
    "type": "object",
    "properties": {"rating": {"type": "integer", "minimum": 1}},
    "required": ["rating"],
}


def said(*texts: str, stop_reason: str = "end_turn", **usage: int) -> tuple[int, Any]:
    return 200, {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text} for text in texts],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 3, **usage},
    }


def refused(status: int, message: str) -> tuple[int, Any]:
    return status, {"type": "error", "error": {"type": "some_error", "message": message}}


def spec(url: str, **settings: Any) -> Anthropic:
    runtime = AnthropicEndpoint(base_url=url.removesuffix("/v1"), timeout=5)
    return Anthropic(model="m", runtime=runtime, **settings)


async def answered(model: Anthropic, request: Request) -> Completion:
    async with model.connect() as opened:
        return await opened.complete(request)


async def test_an_answer_comes_with_its_tokens_and_finish_reason(serve: Any, ask: Ask) -> None:
    served = serve(lambda body: said("blue", " sky", cache_read_input_tokens=2))
    completion = await answered(spec(served.url), ask())
    assert completion == Completion(
        text="blue sky", finish_reason="stop", tokens_in=9, tokens_out=3, model="m"
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
    ],
)
async def test_a_finish_reason_is_told_in_the_words_of_the_other_models(
    serve: Any, ask: Ask, theirs: str, ours: str
) -> None:
    served = serve(lambda body: said("blue", stop_reason=theirs))
    assert (await answered(spec(served.url), ask())).finish_reason == ours


async def test_thoughts_are_no_part_of_the_answer(serve: Any, ask: Ask) -> None:
    status, reply = said("blue")
    reply["content"].insert(0, {"type": "thinking", "thinking": "red?", "signature": "s"})
    served = serve(lambda body: (status, reply))
    assert (await answered(spec(served.url), ask())).text == "blue"


async def test_the_system_message_stands_apart(serve: Any) -> None:
    served = serve(lambda body: said("blue"))
    turns = (Message(role="system", content="Be brief."), Message(role="user", content="hi"))
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=5, stop=("\n\n",))
    await answered(spec(served.url), Request(messages=turns, sampling=sampling))
    assert served.bodies == [
        {
            "model": "m",
            "max_tokens": 5,
            "messages": [{"role": "user", "content": "hi"}],
            "system": "Be brief.",
            "stop_sequences": ["\n\n"],
        }
    ]


@pytest.mark.parametrize(
    ("omit", "sent"),
    [
        (("top_p",), {"temperature": 0.5}),
        (("temperature",), {"top_p": 0.9}),
        ((), {"temperature": 0.5, "top_p": 0.9, "stop_sequences": ["!"]}),
        (("temperature", "top_p", "stop"), {}),
    ],
)
async def test_settings_that_a_model_refuses_are_not_sent(
    serve: Any, ask: Ask, omit: Any, sent: dict[str, Any]
) -> None:
    served = serve(lambda body: said("blue"))
    sampling = Sampling(temperature=0.5, top_p=0.9, stop=("!",))
    await answered(spec(served.url, omit=omit), ask(sampling=sampling))
    assert {**served.bodies[0], **sent} == served.bodies[0]
    assert ("temperature" in served.bodies[0]) == ("temperature" in sent)
    assert ("top_p" in served.bodies[0]) == ("top_p" in sent)


@pytest.mark.parametrize(("omit", "older"), [(("top_p",), True), (("temperature", "top_p"), False)])
async def test_a_temperature_goes_to_the_version_of_the_api_that_takes_one(
    serve: Any, ask: Ask, omit: Any, older: bool
) -> None:
    served = serve(lambda body: said("blue"))
    await answered(spec(served.url, omit=omit), ask())
    assert (served.headers[0]["anthropic-version"] == "2023-06-01") == older


async def test_a_schema_is_sent_in_the_form_that_the_provider_takes(serve: Any, ask: Ask) -> None:
    served = serve(lambda body: said('{"rating": 3}'))
    model = spec(served.url, extra={"output_config": {"effort": "low"}})
    await answered(model, ask(json_schema=SCHEMA))
    sent = served.bodies[0]["output_config"]
    assert sent["effort"] == "low"
    assert sent["format"]["type"] == "json_schema"
    assert sent["format"]["schema"]["additionalProperties"] is False
    assert "minimum" not in sent["format"]["schema"]["properties"]["rating"]


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_request_that_is_refused_fails_its_row_only(
    serve: Any, ask: Ask, status: int
) -> None:
    served = serve(lambda body: refused(status, "prompt too long"))
    with pytest.raises(ParseError, match=r"refused by the server: .*prompt too long"):
        await answered(spec(served.url), ask())


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "look at the variable ANTHROPIC_API_KEY"),
        (403, "look at the variable ANTHROPIC_API_KEY"),
        (404, "knows no such model"),
        (402, "failed with status 402"),
    ],
)
async def test_a_server_that_will_not_answer_stops_the_stage_with_one_line(
    serve: Any, ask: Ask, status: int, message: str
) -> None:
    served = serve(lambda body: refused(status, "no\nluck"))
    with pytest.raises(ModelError, match=message) as failure:
        await answered(spec(served.url), ask())
    assert not isinstance(failure.value, Trouble)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(("status", "kind"), [(429, "busy"), (529, "busy"), (500, "broken")])
async def test_a_try_that_may_succeed_later_is_made_once_and_told_as_trouble(
    serve: Any, ask: Ask, status: int, kind: str
) -> None:
    served = serve(lambda body: refused(status, "later"))
    with pytest.raises(Trouble) as failure:
        await answered(spec(served.url), ask())
    assert failure.value.kind == kind
    assert len(served.bodies) == 1


async def test_a_reply_in_pieces_is_trouble(serve: Any, ask: Ask) -> None:
    served = serve(lambda body: (200, "{broken"))
    with pytest.raises(Trouble, match="broken JSON"):
        await answered(spec(served.url), ask())


@pytest.mark.parametrize("reply", ['"a word"', "[]", "{}", '{"content": "text"}'])
async def test_a_reply_that_is_no_message_stops_the_stage(serve: Any, ask: Ask, reply: str) -> None:
    served = serve(lambda body: (200, reply))
    with pytest.raises(ModelError, match="did not answer with a message"):
        await answered(spec(served.url), ask())


async def test_an_unreachable_server_is_named_with_the_fix(ask: Ask) -> None:
    with pytest.raises(Trouble, match=r"127\.0\.0\.1:9 cannot be reached") as failure:
        await answered(spec("http://127.0.0.1:9"), ask())
    assert failure.value.kind == "away"


def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="environment variable ANTHROPIC_API_KEY is not set"):
        Anthropic(model="m").connect()


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_a_key_is_sent_and_never_shown(
    serve: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: Any, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    served = serve(lambda body: refused(status, f"bad key {CANARY}"))
    model = spec(served.url)
    async with model.connect() as opened:
        with pytest.raises(OpenBezoarError) as failure:
            await opened.complete(ask())
        shown = f"{failure.value!r} {failure.value} {opened!r} {model!r} {science(model)}"
    assert any(CANARY in value for value in served.headers[0].values())
    assert CANARY not in shown + caplog.text


def test_the_address_is_no_part_of_the_science() -> None:
    near, far = spec("http://127.0.0.1:1"), spec("https://far.example")
    assert science(near) == science(far)
