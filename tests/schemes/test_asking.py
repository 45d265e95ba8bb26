"""Asking a teacher, and refusing what is not a whole answer."""

import random

import pytest

from openbezoar.errors import ParseError
from openbezoar.families import Sampling
from openbezoar.models.scripted import ScriptedModel, complete_with
from openbezoar.schemes.asking import Asking


@pytest.mark.parametrize(
    ("text", "finish_reason", "reason"),
    [
        ("Half an ans", "length", "cut by the token limit"),
        ("Half an ans", "max_tokens", "cut by the token limit"),
        ("", "stop", "empty answer"),
        (" \n\t", "stop", "empty answer"),
        ("", "content_filter", "withheld by the provider"),
        ("", "refusal", "withheld by the provider"),
    ],
)
async def test_an_answer_that_is_not_whole_fails(
    text: str, finish_reason: str, reason: str
) -> None:
    teacher = ScriptedModel(lambda request: complete_with(text, request, finish_reason))
    with pytest.raises(ParseError, match=reason):
        await Asking(teacher, Sampling(), random.Random(1)).answer("Why?")


async def test_the_row_s_stream_seeds_every_request() -> None:
    teacher = ScriptedModel(lambda request: "Because.")
    for _ in range(2):
        asking = Asking(teacher, Sampling(), random.Random(7))
        await asking.answer("Why?")
        await asking.answer("Why?")
    first, second, third, fourth = (request.seed for request in teacher.requests)
    assert (first, second) == (third, fourth)
    assert first != second


async def test_no_system_message_is_sent_when_it_is_empty() -> None:
    teacher = ScriptedModel(lambda request: "Because.")
    await Asking(teacher, Sampling(), random.Random(1)).answer("Why?")
    assert [message.role for message in teacher.requests[0].messages] == ["user"]
