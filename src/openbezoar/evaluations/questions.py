"""Questions of several turns in FastChat's file format, with reference answers for some."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

import openbezoar
from openbezoar import catalog, files, jsonl
from openbezoar.errors import DataError
from openbezoar.evaluations import references
from openbezoar.evaluations.fastchat import read_answers
from openbezoar.evaluations.references import References

__all__ = [
    "GUIDED",
    "MT_BENCH",
    "SAMPLE",
    "SAMPLE_TITLE",
    "TEMPERATURES",
    "Question",
    "QuestionFiles",
]

SAMPLE, MT_BENCH = "sample", "mt_bench"
"""The two sets with a name of their own."""
SAMPLE_TITLE = "sample_questions"
TEMPERATURES = {
    "writing": 0.7, "roleplay": 0.7, "extraction": 0.0, "math": 0.0, "coding": 0.0,
    "reasoning": 0.0, "stem": 0.1, "humanities": 0.1,
}  # fmt: skip
"""How freely a category's questions are answered, as in FastChat; 0.7 for any other."""
GUIDED = frozenset({"math", "reasoning", "coding"})
"""The categories whose judge is shown a reference answer."""

_SAMPLE = Path(openbezoar.__file__).parent / "sources" / "rows" / "questions.jsonl"


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

    @property
    def is_guided(self) -> bool:
        """Whether its judge is to see a reference answer."""
        return self.category in GUIDED

    def reference_for(self, turn: int) -> str:
        """What the judge of a turn, counted from 0, is shown; empty where it is shown none."""
        guided = self.is_guided and turn < len(self.reference)
        return self.reference[turn] if guided else ""


class QuestionFiles:
    """The files of a set: our own, MT-Bench's, or a folder laid out like FastChat's.

    A folder holds `question.jsonl` and may hold one file in `reference_answer/`; without that the
    references are those in the questions themselves.
    """

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.name = name
        self._folder = folder

    @property
    def title(self) -> str:
        """What the set is called in scores and files; a folder never as one of ours is."""
        names = {SAMPLE: SAMPLE_TITLE, MT_BENCH: MT_BENCH}
        folder = Path(self.name).name
        return names.get(self.name) or (f"own_{folder}" if folder in names.values() else folder)

    def load(self, wanted: References) -> list[Question]:
        """The questions; DataError where a guided one lacks the reference of a turn."""
        questions = self._questions()
        path = self._reference_file()
        given: dict[int | str, tuple[str, ...]]
        given = {question.question_id: question.reference for question in questions}
        if path is not None:
            given = {number: one.turns for number, one in read_answers(path).items()}
        if self.name == MT_BENCH and wanted in ("vetted", "judge"):
            given = references.vetted(given)
        if wanted == "none":
            given = {}
        found = [
            one.model_copy(update={"reference": given.get(one.question_id, ())})
            for one in questions
        ]
        if wanted in ("vetted", "classic"):
            _check_guided(found, path or self._question_file())
        return found

    def evidence(self) -> list[str]:
        """The digests of the files that `load` reads."""
        if self.name == MT_BENCH:
            published = [catalog.evidence(MT_BENCH, name) for name in _PUBLISHED]
            return [*published, files.digest(references.FILE)]
        paths = [self._question_file(), self._reference_file()]
        return [
            files.digest(path) if path.is_file() else "absent" for path in paths if path is not None
        ]

    def _questions(self) -> list[Question]:
        path = self._question_file()
        questions = list(jsonl.read(path, Question))
        if not questions:
            raise DataError(f"{path}: holds no question")
        if len({question.question_id for question in questions}) < len(questions):
            raise DataError(f"{path}: two questions have the same question_id; give each its own")
        return questions

    def _question_file(self) -> Path:
        if self.name == SAMPLE:
            return _SAMPLE
        if self.name == MT_BENCH:
            return catalog.find(MT_BENCH, _PUBLISHED[0])
        return files.located(self.name, self._folder) / _PUBLISHED[0]

    def _reference_file(self) -> Path | None:
        if self.name == SAMPLE:
            return None
        if self.name == MT_BENCH:
            return catalog.find(MT_BENCH, _PUBLISHED[1])
        folder = files.located(self.name, self._folder) / "reference_answer"
        found = sorted(folder.glob("*.jsonl"))
        if len(found) > 1:
            raise DataError(f"{folder}: holds {len(found)} files; leave the one to be used")
        return found[0] if found else None


_PUBLISHED = ("question.jsonl", "reference_answer/gpt-4.jsonl")


def _check_guided(questions: Sequence[Question], path: Path) -> None:
    for question in questions:
        lacking = len(question.reference) < len(question.turns)
        if question.is_guided and lacking:
            raise DataError(
                f"{path}: question {question.question_id} ({question.category}) lacks the "
                f"reference answer to turn {len(question.reference) + 1}; add it, or set "
                "`references: judge` or `references: none`"
            )
