"""What the answers to fixed questions show of a model."""

import pytest

from openbezoar.errors import ParseError
from openbezoar.evaluations.replies import Reply, ask, figures
from openbezoar.families import Request
from openbezoar.models.scripted import ScriptedModel, complete_with
from openbezoar.records import Completion

LOOP = "on and on and on and on and on"
"""Six spans, of which two differ."""


async def replies(*texts: str, cut: bool = False) -> list[Reply]:
    left = iter(texts)

    def reply(request: Request) -> Completion:
        return complete_with(next(left), request, finish_reason="length" if cut else "stop")

    return await ask(ScriptedModel(reply), len(texts), 64)


async def test_questions_of_all_categories_are_put_greedily() -> None:
    model = ScriptedModel(lambda request: "Yes.")
    found = await ask(model, 8, 32)
    assert len({one.question.category for one in found}) == 8
    assert {request.sampling.temperature for request in model.requests} == {0}
    assert {request.sampling.max_tokens for request in model.requests} == {32}
    assert await ask(model, 0, 32) == []


async def test_answers_that_stop_decline_or_repeat_themselves_are_told() -> None:
    found = figures(await replies("I cannot help with that.", LOOP, "Yes.", "So it is then"), 64)
    assert (found["stopped"].value, found["stopped"].n) == (1.0, 4)
    assert found["refusals"].value == 0.25
    repeated = found["repetition"]
    assert repeated.value == pytest.approx(2 / 3 / 3)
    assert repeated.n == 3, "one has no span"
    assert figures(await replies("And then", cut=True), 64)["stopped"].value == 0


async def test_no_interval_leaves_what_can_be() -> None:
    found = figures(await replies("Yes.", "No.", LOOP, "I am sorry, but no."), 64)
    for name, top in (("stopped", 1), ("refusals", 1), ("repetition", 1), ("tokens", 64)):
        low, high = found[name].low, found[name].high
        assert low is not None
        assert high is not None
        assert 0 <= low <= high <= top


async def test_a_question_without_room_is_missing_and_counts_nowhere() -> None:
    def refuse(request: Request) -> str:
        raise ParseError("too long for the model")

    [one] = await ask(ScriptedModel(refuse), 1, 64)
    assert one.item() == {"id": str(one.question.question_id), "missing": "no room for the answer"}
    assert {figure.value for figure in figures([one], 64).values()} == {None}
