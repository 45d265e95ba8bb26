"""Questions of several turns in FastChat's file format, with reference answers for some."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

import openbezoar
from openbezoar import catalog, files, jsonl
from openbezoar.errors import DataError

__all__ = ["TEMPERATURES", "Question", "QuestionSet", "load"]

QuestionSet = Literal["sample", "mt_bench"]
References = Literal["vetted", "classic"]

TEMPERATURES = {
    "writing": 0.7, "roleplay": 0.7, "extraction": 0.0, "math": 0.0, "coding": 0.0,
    "reasoning": 0.0, "stem": 0.1, "humanities": 0.1,
}  # fmt: skip
"""How freely a category's questions are answered, as in FastChat; 0.7 for any other."""
SAMPLE = Path(openbezoar.__file__).parent / "sources" / "rows" / "questions.jsonl"
"""Our own questions."""
GUIDED = frozenset({"math", "reasoning", "coding"})
"""The categories whose judge is shown a reference answer."""
WRONG = frozenset({104, 105, 109, 111, 113, 114, 120, 122, 124, 125, 126, 128, 130})
"""MT-Bench questions whose GPT-4 reference is wrong in some turn (FastChat pull request 3158)."""


class Question(BaseModel):
    """One line of a question file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question_id: int | str
    category: str
    turns: tuple[str, ...] = Field(min_length=1)
    reference: tuple[str, ...] = ()
    """A good answer to each turn."""

    @property
    def temperature(self) -> float:
        """How freely it is answered."""
        return TEMPERATURES.get(self.category, 0.7)

    def reference_for(self, turn: int) -> str:
        """What the judge of a turn, counted from 0, is shown; empty where it is shown none."""
        guided = self.category in GUIDED and turn < len(self.reference)
        return self.reference[turn] if guided else ""


class _Choice(BaseModel):
    turns: tuple[str, ...]


class _Answers(BaseModel):
    """One line of a reference answer file."""

    model_config = ConfigDict(extra="ignore")

    question_id: int
    choices: tuple[_Choice, ...] = Field(min_length=1)


def load(questions: QuestionSet, references: References) -> list[Question]:
    """Our own questions, or MT-Bench's from the data folder with GPT-4's reference answers."""
    if questions == "sample":
        return _read(SAMPLE)
    found = _read(catalog.find("mt_bench", "question.jsonl"))
    path = catalog.find("mt_bench", "reference_answer/gpt-4.jsonl")
    given = {
        one.question_id: one.choices[0].turns
        for one in jsonl.read(path, _Answers)
        if references == "classic" or one.question_id not in WRONG
    }
    return [
        question.model_copy(update={"reference": given.get(int(question.question_id), ())})
        for question in found
    ]


def evidence(questions: QuestionSet) -> list[str]:
    """The digests of the files that `load` reads."""
    if questions == "sample":
        return [files.digest(SAMPLE)]
    names = ("question.jsonl", "reference_answer/gpt-4.jsonl")
    return [catalog.evidence("mt_bench", name) for name in names]


def _read(path: Path) -> list[Question]:
    questions = list(jsonl.read(path, Question))
    if len({question.question_id for question in questions}) < len(questions):
        raise DataError(f"{path}: two questions have the same question_id; give each its own")
    return questions
