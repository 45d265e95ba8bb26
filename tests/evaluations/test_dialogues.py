"""Questions put to a scripted student (trap P36)."""

import pytest

from openbezoar.errors import ParseError
from openbezoar.evaluations.dialogues import Interview, from_answers
from openbezoar.evaluations.fastchat import Answers, Choice
from openbezoar.evaluations.questions import Question
from openbezoar.families import Request
from openbezoar.models.scripted import ScriptedModel
from openbezoar.records import Message

INTERVIEW = Interview(concurrency=4, tokens=50, seed=3)
QUESTION = Question(
    question_id=1, category="math", turns=("2 + 2?", "And doubled?"), reference=("4", "8")
)


async def test_the_second_turn_sees_the_first_answer() -> None:
    student = ScriptedModel(lambda request: f"answer {len(request.messages)}")
    [dialogue] = await INTERVIEW.ask([QUESTION], student)
    assert student.requests[1].messages == (
        Message(role="user", content="2 + 2?"),
        Message(role="assistant", content="answer 1"),
        Message(role="user", content="And doubled?"),
    )
    assert dialogue.texts() == ["answer 1", "answer 3"]


async def test_a_question_is_asked_at_its_category_s_temperature() -> None:
    student = ScriptedModel(lambda request: "x")
    await INTERVIEW.ask([QUESTION], student)
    sampling = student.requests[0].sampling
    assert (sampling.temperature, sampling.max_tokens, student.requests[0].seed) == (0, 50, 3)


async def test_a_judge_of_a_turn_sees_it_and_those_before_with_their_references() -> None:
    [dialogue] = await INTERVIEW.ask([QUESTION], ScriptedModel(lambda request: "Four."))
    assert [one.reference for one in dialogue.exchanges(0)] == ["4"]
    assert [one.reference for one in dialogue.exchanges(1)] == ["4", "8"]


async def test_an_empty_answer_is_missing_and_ends_the_dialogue() -> None:
    student = ScriptedModel(lambda request: "  \n")
    [dialogue] = await INTERVIEW.ask([QUESTION], student)
    missing = [turn.missing for turn in dialogue.turns]
    assert missing == ["empty answer", "no answer to the turn before"]
    assert len(student.requests) == 1


async def test_a_failed_answer_is_missing() -> None:
    def fail(request: Request) -> str:
        if len(request.messages) > 1:
            raise ParseError("prompt too long")
        return "Four."

    [dialogue] = await INTERVIEW.ask([QUESTION], ScriptedModel(fail))
    assert [turn.missing for turn in dialogue.turns] == ["", "no answer: prompt too long"]


@pytest.mark.parametrize(
    ("texts", "missing"),
    [
        (("Four.", "Eight."), ["", ""]),
        (("Four.", "$ERROR$"), ["", "no answer: an error on file"]),
        ((" ERROR\n", "Eight."), ["no answer: an error on file", "no answer to the turn before"]),
        (("", "Eight."), ["empty answer", "no answer to the turn before"]),
        (("Four.",), ["", "no answer on file"]),
        ((), ["no answer on file", "no answer to the turn before"]),
    ],
)
def test_an_error_on_file_is_no_answer(texts: tuple[str, ...], missing: list[str]) -> None:
    answers: dict[int | str, Answers] = {1: Answers(question_id=1, choices=(Choice(turns=texts),))}
    [dialogue] = from_answers([QUESTION], answers)
    assert [turn.missing for turn in dialogue.turns] == missing


def test_a_question_that_a_file_does_not_answer_is_missing() -> None:
    [dialogue] = from_answers([QUESTION], {})
    assert dialogue.turns[0].missing == "no answer on file"
