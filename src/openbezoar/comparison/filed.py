"""A model's scores and items from FastChat's files of judgments, of single answers or of pairs."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import JsonValue

from openbezoar import jsonl
from openbezoar.errors import DataError
from openbezoar.evaluations.fastchat import (
    PairJudgment,
    SingleJudgment,
    Winner,
    read_judgments,
    read_pair_judgments,
)
from openbezoar.evaluations.grades import Graded, Grading
from openbezoar.evaluations.matches import Match, Matching, Outcome
from openbezoar.records import Score

__all__ = ["Filed", "filed"]

WON: dict[Winner, Outcome | None] = {
    "model_1": "win", "model_2": "loss", "tie": "tie", "error": None
}  # fmt: skip
LOST: dict[Winner, Outcome | None] = {
    "model_1": "loss", "model_2": "win", "tie": "tie", "error": None
}  # fmt: skip


class Filed(NamedTuple):
    """What a file holds of one model."""

    model: str
    scores: list[Score]
    items: list[dict[str, Any]]


def filed(path: Path, model: str) -> Filed:
    """What was judged of a model; it need not be named where the file holds no other."""
    first = next((row for _, row in jsonl.read_objects(path)), {})
    if "model_1" in first:
        return _paired(path, model)
    judgments = read_judgments(path)
    model = _named(path, model, {one.model for one in judgments})
    mine = [one for one in judgments if one.model == model]
    rows = [_graded(one) for one in mine]
    scores = Grading(1.0, str(path), _settings(mine)).scores(rows)
    items = [
        {"evaluation": "mt_bench", "id": f"{row.question}.{row.turn}", "rating": row.rating}
        for row in rows
    ]
    return Filed(model, scores, items)


def _paired(path: Path, model: str) -> Filed:
    """Its games with every other model; the win rates stand where an evaluation puts them."""
    judgments = read_pair_judgments(path)
    model = _named(path, model, {name for one in judgments for name in (one.model_1, one.model_2)})
    played: dict[str, list[PairJudgment]] = {}
    for one in judgments:
        if model in (one.model_1, one.model_2):
            other = one.model_2 if one.model_1 == model else one.model_1
            played.setdefault(other, []).append(one)
    found = Filed(model, [], [])
    for other, games in played.items():
        matches = [_match(one, WON if one.model_1 == model else LOST) for one in games]
        rates = Matching(f"mt_bench_pairs.{other}", 1.0, str(path), _settings(games))
        found.scores.extend(rates.scores(matches))
        found.items.extend(
            {
                "evaluation": "mt_bench_pairs", "id": f"{match.question}.{match.turn}",
                "model": model, "against": other, "outcome": match.outcome,
            }
            for match in matches
        )  # fmt: skip
    return found


def _named(path: Path, model: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if model in names or (not model and len(names) == 1):
        return model or names[0]
    raise DataError(f"{path}: name one of its models: {path}:MODEL ({', '.join(names)})")


def _settings(judgments: Sequence[SingleJudgment | PairJudgment]) -> dict[str, JsonValue]:
    return {
        "judge": ", ".join(sorted({one.judge[0] for one in judgments})),
        "prompts": ", ".join(sorted({one.judge[1] for one in judgments})),
    }


def _graded(judgment: SingleJudgment) -> Graded:
    rating = None if judgment.score == -1 else judgment.score
    return Graded(str(judgment.question_id), "any", judgment.turn, rating, "unread on file")


def _match(one: PairJudgment, outcomes: dict[Winner, Outcome | None]) -> Match:
    first, second = outcomes[one.g1_winner], outcomes[one.g2_winner]
    return Match(str(one.question_id), "any", one.turn, first, second, "unread on file", 0, 0)
