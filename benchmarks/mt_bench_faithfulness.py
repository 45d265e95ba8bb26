"""Holds our MT-Bench against GPT-4's stored judgments and, where it is there, FastChat's own code.

    python benchmarks/mt_bench_faithfulness.py --data FOLDER --json
    python benchmarks/mt_bench_faithfulness.py --data FOLDER --fastchat FOLDER

FOLDER holds `mt_bench/` as docs/data.md lays it out; the environment's OPENBEZOAR_DATA is taken
without it. `--fastchat` names a folder with the package `fastchat` in it (version 0.2.36 was used):
its show_result.py then prints the tables that ours are compared with.
"""

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from openbezoar import jsonl  # noqa: E402 - found by the line above
from openbezoar.evaluations import references  # noqa: E402
from openbezoar.evaluations.fastchat import (  # noqa: E402
    FastChatWording,
    SingleJudgment,
    read_judgments,
    read_prompts,
)
from openbezoar.evaluations.grades import Graded, Grading  # noqa: E402
from openbezoar.evaluations.questions import Question, QuestionFiles  # noqa: E402
from openbezoar.judges.rating import read_rating  # noqa: E402
from openbezoar.judges.wording import Exchange  # noqa: E402
from openbezoar.statistics import rank_correlation  # noqa: E402

ANSWER = "\0answer\0"
FAULTS: dict[str, dict[str, Any]] = {
    "quoted rating": {"judgment": "You asked for [[5]]. Rating: [[2]]", "score": 5},
    "step number": {"judgment": "step [1] is wrong. Rating: 3/10", "score": 1},
    "off the scale": {"judgment": "Rating: [[100]]", "score": 100},
}
"""Verdicts that FastChat reads otherwise than we do, put into a copy of the stored files."""


class Prompts(NamedTuple):
    """How our prompts compare with the stored ones."""

    stored: int
    equal: int
    differing: list[str]
    changed_by_guard: int
    lengths: dict[str, list[tuple[float, float]]]
    """By model, the answers' lengths and ratings."""


def main() -> None:
    """Print one JSON object, or lines."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("OPENBEZOAR_DATA"))
    parser.add_argument("--fastchat", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the data folder with --data or OPENBEZOAR_DATA")
    os.environ["OPENBEZOAR_DATA"] = str(given.data)
    found = measured(Path(given.data) / "mt_bench", given.fastchat)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name}: {json.dumps(value)}")


def measured(folder: Path, fastchat: Path | None) -> dict[str, Any]:
    """Every figure."""
    files = sorted((folder / "model_judgment" / "gpt-4_single").glob("*.jsonl.gz"))
    prompts = compare_prompts(folder, files)
    rows = [row for path in files for _, row in jsonl.read_objects(path)]
    unlike = [
        f"{row['model']} {row['question_id']}.{row['turn']}: stored {row['score']}, read {value}"
        for row in rows
        if (value := read_rating(row["judgment"]).value) != row["score"]
    ]
    lengths = {
        model: rank_correlation(pairs).value for model, pairs in sorted(prompts.lengths.items())
    }
    return {
        "prompts": prompts.stored,
        "prompts_equal": prompts.equal,
        "prompts_differing": prompts.differing,
        "prompts_changed_where_answers_are_guarded": prompts.changed_by_guard,
        "scores": len(rows),
        "scores_equal": len(rows) - len(unlike),
        "scores_differing": unlike,
        "tables": tables(files, rows),
        "largest_table_difference": compare_tables(files, fastchat),
        "tables_by": "fastchat's show_result.py" if fastchat else "its formula",
        "faults": faults(files),
        "references": check_references(folder),
        "rank_correlation_of_length_and_rating": lengths,
    }


def compare_prompts(folder: Path, files: list[Path]) -> Prompts:
    """Build every stored prompt from question, reference and the answer that stands in it."""
    prompts = read_prompts(folder / "judge_prompts.jsonl")
    plain, guarded = FastChatWording(prompts, guard=False), FastChatWording(prompts)
    questions = QuestionFiles("mt_bench").load("classic")
    stored = equal = changed = 0
    differing, lengths = [], defaultdict(list)
    for path in files:
        held = {(one.question_id, one.turn): one for one in read_judgments(path)}
        for question in questions:
            said: list[str] = []
            for turn in (1, 2):
                judgment = held[question.question_id, turn]
                stored += 1
                frame = plain.rate(shown(question, *said, ANSWER))[-1].content
                answer = between(judgment.user_prompt, frame)
                if answer is None:
                    differing.append(f"{judgment.model} {question.question_id}.{turn}")
                    break
                said.append(answer)
                exchanges = shown(question, *said)
                equal += plain.rate(exchanges)[-1].content == judgment.user_prompt
                changed += guarded.rate(exchanges)[-1].content != judgment.user_prompt
                if judgment.score != -1:
                    lengths[judgment.model].append((float(len(answer)), judgment.score))
    return Prompts(stored, equal, differing, changed, lengths)


def shown(question: Question, *answers: str) -> list[Exchange]:
    """The conversation up to the last of the answers."""
    pairs = zip(question.turns, answers, strict=False)
    return [Exchange(text, said, question.reference_for(n)) for n, (text, said) in enumerate(pairs)]


def between(prompt: str, frame: str) -> str | None:
    """The answer in a stored prompt; None where what stands around it is not as in ours."""
    before, after = frame.split(ANSWER)
    if not (prompt.startswith(before) and prompt.endswith(after)):
        return None
    return prompt[len(before) : len(prompt) - len(after)]


def ours(judgments: list[SingleJudgment]) -> dict[str, float | None]:
    """The scores of one model by the code that every evaluation uses."""
    rows = [
        Graded(str(one.question_id), "any", one.turn, None if one.score == -1 else one.score)
        for one in judgments
    ]
    named = {score.name: score.value for score in Grading(1.0, "", {}).scores(rows)}
    return {name: named[f"mt_bench{end}"] for name, end in PLACES.items()}


PLACES = {"turn 1": ".turn_1", "turn 2": ".turn_2", "average": ""}


def tables(files: list[Path], rows: list[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Our summary, by model."""
    names = {row["model"] for row in rows}
    found = {path.name.split(".jsonl")[0]: ours(read_judgments(path)) for path in files}
    return {name: found[name] for name in sorted(names & set(found))}


def compare_tables(files: list[Path], fastchat: Path | None) -> float:
    """The largest difference between a number of our tables and FastChat's."""
    differences = [0.0]
    for path in files:
        lines = [row for _, row in jsonl.read_objects(path)]
        theirs = by_show_result(path, fastchat) if fastchat else by_formula(lines)
        mine = ours(read_judgments(path))
        differences += [abs((mine[name] or 0) - theirs[name]) for name in PLACES]
    return max(differences)


def by_formula(rows: list[dict[str, Any]]) -> dict[str, float]:
    """As show_result has it: the mean over all lines but those of -1."""
    read = [row for row in rows if row["score"] != -1]
    wanted = {"turn 1": (1,), "turn 2": (2,), "average": (1, 2)}
    return {
        name: sum(row["score"] for row in read if row["turn"] in turns)
        / sum(row["turn"] in turns for row in read)
        for name, turns in wanted.items()
    }


def by_show_result(path: Path, fastchat: Path) -> dict[str, float]:
    """What FastChat's own script prints for the file."""
    script = fastchat / "fastchat" / "llm_judge" / "show_result.py"
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "judgments.jsonl"
        plain.write_bytes(
            gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        )
        code = (
            "import pandas, runpy, sys; pandas.set_option('display.precision', 12);"
            f"sys.argv = ['x', '--input-file', {str(plain)!r}];"
            f"runpy.run_path({str(script)!r}, run_name='__main__')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
    found = re.findall(r"^\S+(?: +\d)? +(\d+\.\d+)$", done.stdout, re.M)
    return dict(zip(PLACES, map(float, found), strict=True))


def faults(files: list[Path]) -> dict[str, dict[str, float | None]]:
    """What FastChat's known faults do to the first model's average, and what we make of the same.

    Each verdict below is put in the place of one stored verdict; `twice` is the file, judged again
    by a judge one point harsher, and appended as FastChat appends it.
    """
    rows = [row for _, row in jsonl.read_objects(files[0])]
    found = {}
    for name, change in FAULTS.items():
        theirs = [{**rows[0], **change}, *rows[1:]]
        value = read_rating(change["judgment"]).value
        mine = [{**rows[0], "score": -1 if value is None else value}, *rows[1:]]
        found[name] = _both(theirs, mine)
    again = [{**row, "score": max(1, row["score"] - 1)} for row in rows]
    found["twice"] = _both([*rows, *again], [*rows, *again])
    unread = [{**rows[0], "score": -1}, *rows[1:]]
    found["unread"] = _both(unread, unread)
    return found


def _both(theirs: list[dict[str, Any]], mine: list[dict[str, Any]]) -> dict[str, float | None]:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "judgments.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in mine), encoding="utf-8")
        average = ours(read_judgments(path))["average"]
    return {"fastchat": by_formula(theirs)["average"], "ours": average}


def check_references(folder: Path) -> dict[str, Any]:
    """Which published references computing proves wrong, by turn."""
    path = folder / "reference_answer" / "gpt-4.jsonl"
    said: Counter[str] = Counter()
    wrong = []
    for _, row in jsonl.read_objects(path):
        for turn, text in enumerate(row["choices"][0]["turns"]):
            right = references.is_right(row["question_id"], turn, text)
            said[{True: "right", False: "wrong", None: "cannot be computed"}[right]] += 1
            if right is False:
                wrong.append(f"{row['question_id']}.{turn + 1}")
    return {
        **said,
        "proved_wrong": wrong,
        "replaced": sorted(references.WRONG | references.FOUND_WRONG),
    }


if __name__ == "__main__":
    main()
