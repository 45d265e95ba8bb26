"""Questions put to a scripted student and judge."""

from openbezoar.errors import ParseError
from openbezoar.evaluations.dialogues import Dialogue, Examiner
from openbezoar.evaluations.questions import Question
from openbezoar.families import Request
from openbezoar.models.scripted import ScriptedModel
from openbezoar.records import Message

EXAMINER = Examiner(concurrency=4, answer_tokens=50, judge_tokens=60, seed=3)
QUESTION = Question(
    question_id=1, category="math", turns=("2 + 2?", "And doubled?"), reference=("4", "8")
)


async def test_the_second_turn_sees_the_first_answer() -> None:
    student = ScriptedModel(lambda request: f"answer {len(request.messages)}")
    [dialogue] = await EXAMINER.ask([QUESTION], student)
    assert student.requests[1].messages == (
        Message(role="user", content="2 + 2?"),
        Message(role="assistant", content="answer 1"),
        Message(role="user", content="And doubled?"),
    )
    assert [turn.exchange.answer for turn in dialogue.turns] == ["answer 1", "answer 3"]


async def test_a_question_is_asked_at_its_category_s_temperature() -> None:
    student = ScriptedModel(lambda request: "x")
    await EXAMINER.ask([QUESTION], student)
    sampling = student.requests[0].sampling
    assert (sampling.temperature, sampling.max_tokens, student.requests[0].seed) == (0, 50, 3)


async def test_every_answer_is_judged_with_its_reference() -> None:
    judge = ScriptedModel(lambda request: "Rating: [[6]]")
    [dialogue] = await _judged(ScriptedModel(lambda request: "Four."), judge)
    assert [turn.judgment.rating.value for turn in dialogue.turns] == [6, 6]
    assert "\n4\n</reference-answer>" in judge.requests[0].messages[0].content
    assert "\n8\n</reference-answer>" in judge.requests[1].messages[0].content


async def test_an_empty_answer_is_missing_and_never_judged() -> None:
    judge = ScriptedModel(lambda request: "Rating: [[6]]")
    [dialogue] = await _judged(ScriptedModel(lambda request: "  \n"), judge)
    reasons = [turn.judgment.rating.reason for turn in dialogue.turns]
    assert reasons == ["empty answer", "no answer to the turn before"]
    assert judge.requests == []


async def test_a_failed_answer_is_missing_and_never_judged() -> None:
    def fail(request: Request) -> str:
        if len(request.messages) > 1:
            raise ParseError("prompt too long")
        return "Four."

    judge = ScriptedModel(lambda request: "Rating: [[6]]")
    [dialogue] = await _judged(ScriptedModel(fail), judge)
    assert [turn.judgment.rating.value for turn in dialogue.turns] == [6, None]
    assert dialogue.turns[1].judgment.rating.reason == "no answer: prompt too long"
    assert len(judge.requests) == 1


async def test_a_judge_that_fails_on_one_answer_rates_the_others() -> None:
    def refuse(request: Request) -> str:
        if "And doubled?" in request.messages[0].content:
            raise ParseError("withheld")
        return "Rating: [[6]]"

    student = ScriptedModel(lambda request: "Four.")
    [dialogue] = await _judged(student, ScriptedModel(refuse))
    ratings = [turn.judgment.rating for turn in dialogue.turns]
    assert [(one.value, one.reason) for one in ratings] == [(6, ""), (None, "judge: withheld")]


async def _judged(student: ScriptedModel, judge: ScriptedModel) -> list[Dialogue]:
    return await EXAMINER.judge(await EXAMINER.ask([QUESTION], student), judge)
