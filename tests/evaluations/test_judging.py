"""Dialogues before a scripted judge (traps P36 and P40)."""

from openbezoar.errors import ParseError
from openbezoar.evaluations.dialogues import Dialogue, Turn
from openbezoar.evaluations.judging import Court
from openbezoar.evaluations.questions import Question
from openbezoar.families import Request
from openbezoar.judges import pairwise, rating
from openbezoar.judges.wording import Exchange, OwnWording
from openbezoar.models.scripted import ScriptedModel

COURT = Court(OwnWording(), tokens=60, seed=3, concurrency=4)
RATING, PAIR = rating.form_of("brackets"), pairwise.form_of("brackets")
QUESTION = Question(question_id=1, category="math", turns=("2 + 2?", "And doubled?"))


def dialogue(*answers: str) -> Dialogue:
    turns = tuple(
        Turn(Exchange(text, said, reference), missing="" if said else "empty answer")
        for text, said, reference in zip(QUESTION.turns, answers, ("4", "8"), strict=True)
    )
    return Dialogue(QUESTION, turns)


async def test_every_answer_is_rated_with_its_reference() -> None:
    judge = ScriptedModel(lambda request: "Rating: [[6]]")
    [judgments] = await COURT.rate([dialogue("Four.", "Eight.")], judge, RATING)
    assert [one.reading.value for one in judgments] == [6, 6]
    assert "\n4\n</reference-answer>" in judge.requests[0].messages[0].content
    assert "\n8\n</reference-answer>" in judge.requests[1].messages[0].content


async def test_what_has_no_answer_is_never_put_before_the_judge() -> None:
    judge = ScriptedModel(lambda request: "Rating: [[6]]")
    [judgments] = await COURT.rate([dialogue("Four.", "")], judge, RATING)
    assert [one.reading for one in judgments] == [(6, "", False), (None, "empty answer", False)]
    [game, other] = await COURT.compare(
        [(dialogue("Four.", ""), dialogue("4", "8"))], ScriptedModel(lambda request: "[[A]]"), PAIR
    )
    assert (game.first.reading.value, game.second.reading.value) == ("A", "A")
    assert (other.first.reading.reason, other.second.asked) == ("empty answer", ())
    assert len(judge.requests) == 1


async def test_a_judge_that_fails_on_one_answer_rates_the_others() -> None:
    def refuse(request: Request) -> str:
        if "And doubled?" in request.messages[0].content:
            raise ParseError("withheld")
        return "Rating: [[6]]"

    [judgments] = await COURT.rate([dialogue("4", "8")], ScriptedModel(refuse), RATING)
    found = [(one.reading.value, one.reading.reason) for one in judgments]
    assert found == [(6, ""), (None, "judge: withheld")]


async def test_a_pair_is_shown_in_both_orders() -> None:
    judge = ScriptedModel(lambda request: "[[A]]")
    games = await COURT.compare([(dialogue("ours", "x"), dialogue("theirs", "y"))], judge, PAIR)
    first, second = (request.messages[0].content for request in judge.requests[:2])
    assert first.index("ours") < first.index("theirs")
    assert second.index("theirs") < second.index("ours")
    assert [game.turn for game in games] == [0, 1]


async def test_equal_answers_tie_without_a_judge_until_they_part() -> None:
    judge = ScriptedModel(lambda request: "[[B]]")
    pair = (dialogue("same", "x"), dialogue("same", "y"))
    first, second = await COURT.compare([pair], judge, PAIR)
    assert (first.first.reading.value, first.second.asked) == ("tie", ())
    assert (second.first.reading.value, len(judge.requests)) == ("B", 2)
