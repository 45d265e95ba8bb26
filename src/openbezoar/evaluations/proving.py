"""References that a judge wrote itself, held against what can be computed."""

from collections.abc import Sequence

from openbezoar.evaluations import references
from openbezoar.evaluations.dialogues import Dialogue
from openbezoar.evaluations.questions import Question

__all__ = ["proved"]


def proved(
    questions: Sequence[Question], answered: Sequence[Dialogue], computable: bool
) -> tuple[list[Question], str]:
    """The questions with the judge's answers as references, and what is to be said of them.

    An answer that is absent or proved wrong gives way to the reference the question had;
    `computable` says whether the questions are those whose results we know.
    """
    checked = {one.question.question_id: _checked(one, computable) for one in answered}
    written = sum(len(turns) for turns, _ in checked.values())
    wrong = sum(count for _, count in checked.values())
    found = [
        question.model_copy(update={"reference": checked[question.question_id][0]})
        if question.question_id in checked
        else question
        for question in questions
    ]
    note = f"the judge's own references, {wrong} of {written} absent or proved wrong, replaced"
    return found, note


def _checked(dialogue: Dialogue, computable: bool) -> tuple[tuple[str, ...], int]:
    """The answers that stand, and how many had to give way."""
    question, kept, wrong = dialogue.question, [], 0
    for place, text in enumerate(dialogue.texts()):
        right = references.is_right(question.question_id, place, text) if computable else None
        gives_way = not text or right is False
        wrong += gives_way
        kept.append(question.reference_for(place) if gives_way else text)
    return tuple(kept), wrong
