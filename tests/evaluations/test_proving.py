"""A judge's own references (trap P38)."""

from openbezoar.evaluations.dialogues import Dialogue, Turn
from openbezoar.evaluations.proving import proved
from openbezoar.evaluations.questions import Question
from openbezoar.judges.wording import Exchange

STARTUP = Question(
    question_id=112, category="math", turns=("In all?", "Next?"), reference=("old 1", "old 2")
)
POEM = Question(question_id=81, category="writing", turns=("Rhyme.",))


def answered(question: Question, *texts: str) -> Dialogue:
    turns = zip(question.turns, texts, strict=True)
    return Dialogue(question, tuple(Turn(Exchange(asked, said)) for asked, said in turns))


def test_what_is_proved_wrong_or_absent_gives_way_and_is_counted() -> None:
    """Question 112 asks for 12000 and 2000."""
    for texts, kept, wrong in (
        (("It is 12000.", "It is 2000."), ("It is 12000.", "It is 2000."), 0),
        (("It is 12000.", "It is 4000."), ("It is 12000.", "old 2"), 1),
        (("It is 8000.", ""), ("old 1", "old 2"), 2),
    ):
        [question, poem], note = proved([STARTUP, POEM], [answered(STARTUP, *texts)], True)
        assert question.reference == kept
        assert note.startswith(f"the judge's own references, {wrong} of 2 absent or proved wrong")
        assert poem == POEM


def test_of_other_questions_nothing_is_computed() -> None:
    [question], _ = proved([STARTUP], [answered(STARTUP, "1", "2")], computable=False)
    assert question.reference == ("1", "2")
