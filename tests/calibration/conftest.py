"""Rows, desks and a made store for the tests of calibration."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.calibration.desk import Desk
from openbezoar.calibration.labels import Labels
from openbezoar.calibration.study import Study, open_study
from openbezoar.recipe import load
from openbezoar.records import Example, Message
from openbezoar.store import Store

RECIPE = """\
name: demo
models:
  proxy:
    kind: scripted
    lines:
      - {match: "quality 0", reply: "I would rather not say."}
      - {match: "quality ([12345])", reply: '{"reason": "poor", "rating": \\1, "status": "Reject"}'}
      - {match: "quality ([6789])", reply: '{"reason": "good", "rating": \\1, "status": "Accept"}'}
  lenient:
    kind: scripted
    lines: [{reply: '{"reason": "nice", "rating": 9, "status": "Accept"}'}]
prices: {scripted: {input: 1000000, output: 0}}
stages:
  rows: {kind: source, source: {kind: jsonl, path: rows.jsonl, rows: examples}}
  kept:
    kind: filter
    rows: rows
    filters:
      - {kind: length, answer: {least_words: 2}}
      - {kind: judged, probes: 0, judge: {kind: acceptance, model: proxy}}
      - {kind: refusals}
  plain: {kind: filter, rows: rows, filters: [{kind: refusals}]}
"""


def row(id: str, answer: str, question: str = "Why is that?") -> Example:
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=id, messages=turns)


@pytest.fixture
def desk(tmp_path: Path) -> Callable[..., Desk]:
    """A desk with rows, and labels in a file of the test's folder."""

    def make(*rows: Example) -> Desk:
        labels = Labels(tmp_path / "labels.jsonl", lambda line: None)
        return Desk("kept", rows or [row(f"r{n}", f"Answer {n}.") for n in range(3)], labels)

    return make


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[], list[dict[str, object]]]:
    """What the file of labels holds."""
    path = tmp_path / "labels.jsonl"
    return lambda: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_recipe(folder: Path, rows: int = 60) -> Path:
    """A recipe whose judge rates row `r<n>` by the quality n modulo 10 that its answer names."""
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    found = [
        {
            "id": f"r{n}",
            "instruction": f"Question {n}?",
            "answer": f"An answer of quality {n % 10}.",
        }
        for n in range(rows)
    ]
    found.append({"id": "short", "instruction": "Too short?", "answer": "Yes."})
    refusal = "I'm sorry, but I can't help with that. It is of quality 9."
    found.append({"id": "refusal", "instruction": "A refusal?", "answer": refusal})
    text = "\n".join(json.dumps(each) for each in found)
    (folder / "rows.jsonl").write_text(text, encoding="utf-8")
    return folder / "recipe.yaml"


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a recipe that was run; to be copied, never changed."""
    folder = tmp_path_factory.mktemp("made")
    run(write_recipe(folder))
    return folder


@pytest.fixture
def made(made_once: Path, tmp_path: Path) -> Path:
    """A folder of one's own with a recipe that was run."""
    return shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)


def run(recipe: Path, *overrides: str) -> None:
    runner.run(load(recipe, overrides), Store(recipe.parent / "store"), lambda stage, text: None)


@pytest.fixture
def study(made: Path) -> Callable[..., Study]:
    """Open the study of the recipe's stage."""

    def opened(stage: str = "kept", *overrides: str, labels: Path | None = None) -> Study:
        store = Store(made / "store")
        return open_study(made / "recipe.yaml", overrides, stage, store, labels, lambda line: None)

    return opened
