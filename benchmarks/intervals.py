"""How often the 95 % intervals of a mean MT-Bench rating hold the true one, and how many leave 1 to 10.

    OPENBEZOAR_DATA=... python benchmarks/intervals.py --json

GPT-4's stored ratings of each model are taken for the whole truth; runs of 8, 16 and 80 questions
are drawn from them with replacement. Ours stands beside Student's interval and the bootstrap's.
"""  # noqa: E501 - one sentence

import argparse
import json
import os
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from openbezoar.evaluations.fastchat import read_judgments  # noqa: E402 - found by the line above
from openbezoar.evaluations.pooled import on_scale, pooled  # noqa: E402
from openbezoar.judges.rating import HIGHEST, LOWEST  # noqa: E402
from openbezoar.statistics import bootstrap  # noqa: E402

Questions = Sequence[Sequence[float]]
"""The ratings of both turns of each."""


def main() -> None:
    """Print one JSON object: by number of questions and method, pooled over the models."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("OPENBEZOAR_DATA"))
    parser.add_argument("--studies", type=int, default=400, help="of each model and size")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the data folder with --data or OPENBEZOAR_DATA")
    folder = Path(given.data) / "mt_bench" / "model_judgment" / "gpt-4_single"
    models = [rated(file) for file in sorted(folder.glob("*.jsonl.gz"))]
    found = {f"{n} questions": studied(models, n, given.studies) for n in (8, 16, 80)}
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for size, methods in found.items():
        for method, figures in methods.items():
            print(f"{size:14}{method:11}{figures}")


def rated(file: Path) -> Questions:
    """The ratings that could be read, by question."""
    found: dict[int | str, list[float]] = defaultdict(list)
    for one in read_judgments(file):
        if one.score >= LOWEST:
            found[one.question_id].append(one.score)
    return list(found.values())


def studied(models: Sequence[Questions], size: int, studies: int) -> dict[str, dict[str, float]]:
    """By method: how often its intervals hold the truth, and least often for any model."""
    stream = random.Random(7)
    found = [counted(questions, size, studies, stream) for questions in models]
    return {
        method: {
            "holds": round(fmean(one[method][0] for one in found), 3),
            "holds_least": round(min(one[method][0] for one in found), 3),
            "off_the_scale": round(fmean(one[method][1] for one in found), 3),
            "width": round(fmean(one[method][2] for one in found), 2),
        }
        for method in found[0]
    }


def counted(
    questions: Questions, size: int, studies: int, stream: random.Random
) -> dict[str, list[float]]:
    """By method: the share that hold the truth, the share off the scale, the mean width."""
    truth = overall(questions)
    shares: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for _ in range(studies):
        for method, (low, high) in intervals(stream.choices(questions, k=size), stream).items():
            shares[method][0] += (low <= truth <= high) / studies
            shares[method][1] += (low < LOWEST or high > HIGHEST) / studies
            shares[method][2] += (high - low) / studies
    return shares


def intervals(drawn: Questions, stream: random.Random) -> dict[str, tuple[Any, Any]]:
    """Every method's interval of the mean over what was drawn."""
    student = pooled([sum(one) for one in drawn], [len(one) for one in drawn])
    ours = on_scale(student, LOWEST, HIGHEST)
    again = bootstrap(drawn, overall, stream, rounds=200)
    assert again is not None
    return {
        "ours": (ours.low, ours.high),
        "student": (student.low, student.high),
        "bootstrap": (again.low, again.high),
    }


def overall(questions: Questions) -> float:
    """The mean over all ratings."""
    return sum(map(sum, questions)) / sum(map(len, questions))


if __name__ == "__main__":
    main()
