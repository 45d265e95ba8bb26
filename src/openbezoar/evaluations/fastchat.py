"""FastChat's files: judge prompts, model answers and judgments, read and written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from openbezoar import jsonl
from openbezoar.component import nearest
from openbezoar.errors import ConfigError, DataError
from openbezoar.judges.verdicts import Asked
from openbezoar.judges.wording import Exchange
from openbezoar.records import Message

__all__ = [
    "FAILED",
    "Answers",
    "Choice",
    "FastChatWording",
    "PairJudgment",
    "SingleJudgment",
    "Winner",
    "guarded",
    "read_answers",
    "read_judgments",
    "read_pair_judgments",
    "read_prompts",
]

FAILED = frozenset({"ERROR", "$ERROR$"})
"""What FastChat writes in the place of an answer or a judgment that could not be had."""

_ENDS = re.compile(
    r"\[(?=\s*(?:The\s+(?:Start|End)\s+of|(?:User\s+)?Question\]|Instruction\]))", re.I
)
_BARS = re.compile(r"<\|(?=\s*The\s+(?:Start|End)\s+of)", re.I)
_HEADS = re.compile(r"^(?=###\s*(?:User|Assistant|Reference)\b)", re.I | re.M)
_VERDICT = re.compile(r"\[(?=\[)|\](?=\])")

Winner = Literal["model_1", "model_2", "tie", "error"]


class Line(BaseModel):
    """One line of a file whose further fields are passed by."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class JudgePrompt(Line):
    """A prompt with places to fill."""

    name: str
    system_prompt: str
    prompt_template: str


class Choice(Line):
    """One of several answers to the same question; we read and write the first."""

    index: int = 0
    turns: tuple[str, ...]


class Answers(Line):
    """A model's answers to one question, turn by turn."""

    question_id: int | str
    answer_id: str = ""
    model_id: str = ""
    choices: tuple[Choice, ...] = Field(min_length=1)
    tstamp: float = 0

    @property
    def turns(self) -> tuple[str, ...]:
        """The first choice's turns."""
        return self.choices[0].turns


class SingleJudgment(Line):
    """A rated answer; a score of -1 stands for a reply without one."""

    question_id: int | str
    model: str
    judge: tuple[str, str]
    """The judge's name and its prompt's."""
    user_prompt: str = ""
    judgment: str = ""
    score: float
    turn: int
    tstamp: float = 0


class PairJudgment(Line):
    """Two answers judged in both orders."""

    question_id: int | str
    model_1: str
    model_2: str
    g1_winner: Winner
    g2_winner: Winner
    judge: tuple[str, str]
    g1_user_prompt: str = ""
    g1_judgment: str = ""
    g2_user_prompt: str = ""
    g2_judgment: str = ""
    turn: int
    tstamp: float = 0


@dataclass(frozen=True)
class FastChatWording:
    """The judge prompts of a file, filled as FastChat fills them."""

    prompts: dict[str, JudgePrompt]
    guard: bool = True
    """Whether answers are kept from ending their part of the prompt or holding a verdict."""

    def name_for(self, exchanges: Sequence[Exchange], pair: bool = False) -> str:
        """The prompt for a conversation; guided where there is a reference for every turn."""
        if len(exchanges) > 2:
            raise ConfigError(
                "wording: FastChat's judge prompts know one turn or two; use `wording: own`"
            )
        guided = all(one.reference for one in exchanges)
        kind = "pair" if pair else "single"
        version = "math-v1" if guided else "v2" if pair else "v1"
        return f"{kind}-{version}{'-multi-turn' if len(exchanges) > 1 else ''}"

    def rate(self, exchanges: Sequence[Exchange]) -> Asked:
        """Ask for a rating of the last answer."""
        fields = self._common(exchanges) | self._answers("answer", exchanges)
        return self._filled(self.name_for(exchanges), fields)

    def compare(self, first: Sequence[Exchange], second: Sequence[Exchange]) -> Asked:
        """Ask which of the two last answers is better."""
        fields = self._common(first)
        fields |= self._answers("answer_a", first) | self._answers("answer_b", second)
        return self._filled(self.name_for(first, pair=True), fields)

    def _common(self, exchanges: Sequence[Exchange]) -> dict[str, str]:
        fields = {"question": exchanges[0].question}
        for place, one in enumerate(exchanges, start=1):
            fields |= {f"question_{place}": one.question, f"ref_answer_{place}": one.reference}
        return fields

    def _answers(self, name: str, exchanges: Sequence[Exchange]) -> dict[str, str]:
        said = [guarded(one.answer) if self.guard else one.answer for one in exchanges]
        numbered = {f"{name}_{place}": text for place, text in enumerate(said, start=1)}
        return {name: said[0], **numbered}

    def _filled(self, name: str, fields: dict[str, str]) -> Asked:
        prompt = self.prompts.get(name)
        if prompt is None:
            raise DataError(f"the judge prompts lack {name!r}{nearest(name, self.prompts)}")
        try:
            text = prompt.prompt_template.format(**fields)
        except (KeyError, ValueError, IndexError) as error:
            raise DataError(f"judge prompt {name!r}: cannot be filled ({error})") from None
        asked = Message(role="user", content=text)
        system = Message(role="system", content=prompt.system_prompt)
        return (system, asked) if prompt.system_prompt else (asked,)


def guarded(text: str) -> str:
    """An answer unable to end its part of FastChat's prompts or to hold a verdict."""
    text = _HEADS.sub(" ", _BARS.sub("< |", _ENDS.sub("(", text)))
    return _VERDICT.sub(lambda found: f"{found[0]} ", text)


def read_prompts(path: Path) -> dict[str, JudgePrompt]:
    """The judge prompts of a file, by name."""
    return {prompt.name: prompt for prompt in jsonl.read(path, JudgePrompt)}


def read_answers(path: Path) -> dict[int | str, Answers]:
    """A model's answers, by question; DataError where one is answered twice."""
    found: dict[int | str, Answers] = {}
    for answers in jsonl.read(path, Answers):
        if answers.question_id in found:
            raise DataError(
                f"{path}: question {answers.question_id} is answered twice; keep one of its lines"
            )
        found[answers.question_id] = answers
    return found


def read_judgments(path: Path) -> list[SingleJudgment]:
    """The judgments of single answers; of one made twice the later counts.

    FastChat appends to the file and averages over both.
    """
    judgments = jsonl.read(path, SingleJudgment)
    return [*{(one.question_id, one.model, one.turn, one.judge): one for one in judgments}.values()]


def read_pair_judgments(path: Path) -> list[PairJudgment]:
    """The judgments of pairs; of one made twice the later counts, whichever model came first."""
    return [
        *{
            (one.question_id, *sorted((one.model_1, one.model_2)), one.turn, one.judge): one
            for one in jsonl.read(path, PairJudgment)
        }.values()
    ]
