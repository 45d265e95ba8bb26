"""Leaves answers and judgments in FastChat's files, so that its tools and its results fit ours."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from openbezoar import jsonl
from openbezoar.component import digest
from openbezoar.evaluations.dialogues import Dialogue
from openbezoar.evaluations.fastchat import (
    Answers,
    Choice,
    PairJudgment,
    SingleJudgment,
    Winner,
)
from openbezoar.evaluations.judging import Game
from openbezoar.judges.pairwise import Seat
from openbezoar.judges.verdicts import Judgment
from openbezoar.judges.wording import Wording

__all__ = ["UNREAD", "Published"]

UNREAD = -1.0
"""What FastChat writes for a score that could not be read; it never enters a mean of ours."""

_FIRST: dict[Seat | None, Winner] = {"A": "model_1", "B": "model_2", "tie": "tie", None: "error"}
_SECOND: dict[Seat | None, Winner] = {**_FIRST, "A": "model_2", "B": "model_1"}


@dataclass(frozen=True)
class Published:
    """A folder of the files that FastChat keeps for one set of questions.

    Nothing in it tells the time: `tstamp` is 0, so that equal runs leave equal files.
    """

    folder: Path

    @classmethod
    def fresh(cls, artifact: Path, title: str) -> "Published":
        """A folder that no other evaluation of the stage has written to."""
        folder, number = artifact / "fastchat" / title, 1
        while folder.exists():
            number += 1
            folder = artifact / "fastchat" / f"{title}-{number}"
        folder.mkdir(parents=True)
        return cls(folder)

    def answers(self, model: str, dialogues: Sequence[Dialogue]) -> None:
        """A model's answers; one that is absent is an empty text."""
        lines = (
            Answers(
                question_id=one.question.question_id,
                answer_id=digest([model, one.question.question_id, list(one.texts())])[:22],
                model_id=model,
                choices=(Choice(turns=tuple(one.texts())),),
            )
            for one in dialogues
        )
        self._write("model_answer", model, lines)

    def ratings(
        self,
        model: str,
        judge: str,
        wording: Wording,
        dialogues: Sequence[Dialogue],
        judged: Sequence[Sequence[Judgment[float]]],
    ) -> None:
        """What a judge said of a model's answers; those it never saw have no line."""
        self._write(
            "model_judgment",
            f"{judge}_single",
            (
                SingleJudgment(
                    question_id=dialogue.question.question_id,
                    model=model,
                    judge=(judge, wording.name_for(dialogue.exchanges(turn))),
                    user_prompt=_prompt(judgment),
                    judgment=_reply(judgment),
                    score=UNREAD if judgment.reading.value is None else judgment.reading.value,
                    turn=turn + 1,
                )
                for dialogue, judgments in zip(dialogues, judged, strict=True)
                for turn, judgment in enumerate(judgments)
                if judgment.asked
            ),
        )

    def games(self, judge: str, wording: Wording, played: Sequence[tuple[str, str, Game]]) -> None:
        """What a judge said of pairs of models, by their names."""
        self._write("model_judgment", f"{judge}_pair", _pairs(judge, wording, played))

    def _write(self, folder: str, name: str, lines: Iterable[BaseModel]) -> None:
        path = self.folder / folder / f"{name.replace('/', '_')}.jsonl"
        path.parent.mkdir(exist_ok=True)
        jsonl.write(path, lines)


def _pairs(
    judge: str, wording: Wording, played: Sequence[tuple[str, str, Game]]
) -> Iterator[PairJudgment]:
    for ours, theirs, game in played:
        alike = game.first.reading.value == "tie" and not game.first.asked
        if not alike and not (game.first.asked and game.second.asked):
            continue
        prompt = wording.name_for(game.ours.exchanges(game.turn), pair=True)
        yield PairJudgment(
            question_id=game.ours.question.question_id,
            model_1=ours,
            model_2=theirs,
            g1_winner=_FIRST[game.first.reading.value],
            g2_winner=_SECOND[game.second.reading.value],
            judge=(judge, prompt),
            g1_user_prompt=_prompt(game.first),
            g1_judgment=_reply(game.first),
            g2_user_prompt=_prompt(game.second),
            g2_judgment=_reply(game.second),
            turn=game.turn + 1,
        )


def _prompt(judgment: Judgment[Any]) -> str:
    return judgment.asked[-1].content if judgment.asked else ""


def _reply(judgment: Judgment[Any]) -> str:
    return judgment.replies[-1] if judgment.replies else ""
