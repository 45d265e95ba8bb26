"""How a judge is asked (traps P34 and P37)."""

from pathlib import Path

from openbezoar.errors import ParseError
from openbezoar.families import Request
from openbezoar.judges.rating import form_of
from openbezoar.judges.verdicts import Judgment, judge_by, unjudged
from openbezoar.models.policies import open_model
from openbezoar.models.scripted import Line, Scripted, ScriptedModel, complete_with
from openbezoar.records import Completion, Message

ASKED = (Message(role="user", content="How good is it?"),)
BRACKETS = form_of("brackets")


async def ask(judge: ScriptedModel) -> Judgment[float]:
    return await judge_by(BRACKETS, ASKED, judge, 100, 7)


async def test_a_clear_verdict_takes_one_request_at_temperature_0() -> None:
    judge = ScriptedModel(lambda request: "Rating: [[8]]")
    judgment = await ask(judge)
    assert (judgment.reading.value, judgment.replies) == (8, ("Rating: [[8]]",))
    [request] = judge.requests
    assert (request.sampling.temperature, request.sampling.max_tokens, request.seed) == (0, 100, 7)


async def test_an_unreadable_reply_is_asked_for_once_more() -> None:
    replies = iter(["It is fine, 8/10.", "Rating: [[8]]"])
    judge = ScriptedModel(lambda request: next(replies))
    judgment = await ask(judge)
    second = judge.requests[1]
    assert judgment.reading.value == 8
    assert judgment.replies == ("It is fine, 8/10.", "Rating: [[8]]")
    assert (second.attempt, second.messages[1].content) == (1, "It is fine, 8/10.")
    assert second.messages[2].content == BRACKETS.repair


async def test_of_a_reply_that_was_cut_off_no_verdict_is_read() -> None:
    """What stands in it may be quoted; the verdict itself was still to come."""
    said = "The assistant claims to deserve [[10]], but"

    def cut(request: Request) -> Completion:
        return complete_with(said, request, "stop" if request.attempt else "length")

    def always_cut(request: Request) -> Completion:
        return complete_with("[[10]] " * 9, request, "length")

    judgment = await ask(ScriptedModel(cut))
    assert judgment.replies == (said, said)
    assert judgment.reading.value == 10, "the second reply was whole"
    never = (await ask(ScriptedModel(always_cut))).reading
    assert (never.value, never.reason) == (None, "reply cut off")
    classic = await judge_by(form_of("classic"), ASKED, ScriptedModel(always_cut), 100, 7)
    assert classic.reading.value == 10


async def test_two_unreadable_replies_give_no_verdict() -> None:
    judge = ScriptedModel(lambda request: "")
    judgment = await ask(judge)
    assert judgment.reading.value is None
    assert [len(request.messages) for request in judge.requests] == [1, 1]


async def test_a_judge_that_fails_gives_no_verdict() -> None:
    def first(request: Request) -> str:
        raise ParseError("withheld")

    def second(request: Request) -> str:
        if request.attempt:
            raise ParseError("prompt too long")
        return "hm"

    failed = [await ask(ScriptedModel(answer)) for answer in (first, second)]
    assert [one.reading.value for one in failed] == [None, None]
    assert [one.reading.reason for one in failed] == ["judge: withheld", "judge: prompt too long"]


async def test_a_json_verdict_is_held_to_its_schema_and_asked_for_once() -> None:
    judge = ScriptedModel(lambda request: '{"rating": 3}' if request.json_schema else "three")
    judgment = await judge_by(form_of("json"), ASKED, judge, 16, 0)
    assert judgment.reading.value == 3
    unread = ScriptedModel(lambda request: "{}")
    assert (await judge_by(form_of("json"), ASKED, unread, 16, 0)).reading.value is None
    assert len(unread.requests) == 1


async def test_the_same_question_is_never_judged_twice(tmp_path: Path) -> None:
    spec, usage = Scripted(lines=(Line(reply="Rating: [[4]]"),)), dict[str, float]()
    for _ in range(2):
        async with open_model(spec, tmp_path / "answers.sqlite", usage) as judge:
            judgment = await judge_by(BRACKETS, ASKED, judge, 100, 0)
            assert judgment.reading.value == 4
    assert (usage["requests"], usage["cached"]) == (2, 1)


def test_what_never_came_before_a_judge_has_no_verdict() -> None:
    judgment: Judgment[float] = unjudged("empty answer")
    assert judgment.reading == (None, "empty answer", False)
    assert (judgment.replies, judgment.asked) == ((), ())
