"""A data set and a model that tiny real runs made, for their cards."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import JsonValue

from openbezoar import runner
from openbezoar.cards import Told, card
from openbezoar.cards.subject import Subject
from openbezoar.licences import LicenceVerdict, verdict
from openbezoar.recipe import Recipe, load
from openbezoar.records import Score
from openbezoar.report import contents
from openbezoar.report.numbers import EvaluateNumbers, Run, read
from openbezoar.shelf import latest
from openbezoar.store import Artifact, Manifest, Store
from tests.licences.conftest import Bookcase

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ROWS = """\
name: tiny
models:
  teacher: {kind: scripted, licence: mit, lines: [{reply: "`Yes`.\\n```\\n# No heading"}]}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions, limit: 6}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}}
  kept: {kind: filter, rows: rows, filters: [{kind: duplicates, of: instruction}]}
  data: {kind: mix, rows: [kept], validation: 0.3}
"""
WEIGHTS = """\
  sft:
    kind: train
    start: student
    data: data
    objective: {kind: sft}
    precision: float32
    optimisation: {batch_rows: 4, max_tokens: 2048}
    ledger: null
  model: {kind: merge, adapter: sft, parity_rows: 1}
  scores: {kind: evaluate, model: model, evaluations: [{kind: perplexity, data: data}]}
"""


def kinds(tokens: list[Token]) -> list[str]:
    """The structure of a text, without its words."""
    return [
        kind
        for token in tokens
        for kind in (token.type, *kinds(token.children or []))
        if kind not in ("text", "text_special")
    ]


def by_hand(kind: str, makes: str, numbers: dict[str, JsonValue], *scores: Score) -> Subject:
    """A card's subject of one artifact of these numbers, measured by a stage that gave scores."""
    manifest = Manifest(
        stage="it", kind=kind, makes=makes, fingerprint=64 * "1", science={"settings": {}},
        inputs={}, numbers=numbers, files={}, run={},
    )  # fmt: skip
    it = contents.Made(Artifact(Path(), manifest), read(kind, numbers), Run())
    prints = {"fingerprint": 64 * "2", "inputs": {"it": 64 * "1"}}
    above = manifest.model_copy(update={"stage": "exam", **prints})
    exam = contents.Made(Artifact(Path(), above), EvaluateNumbers(model="it", scores=scores), Run())
    held = contents.Contents([it, exam], {64 * "1": it, 64 * "2": exam}, {}, [])
    return Subject(it, [it], held, LicenceVerdict(spdx="MIT", reasons=()), Told(), None)


class Made:
    """A finished run."""

    def __init__(self, folder: Path, text: str) -> None:
        path = folder / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        self.recipe: Recipe = load(path)
        self.store = Store(folder / "store")
        runner.run(self.recipe, self.store, lambda stage, text: None)

    def artifact(self, stage: str) -> Artifact:
        """The artifact of a stage."""
        return latest(self.store, stage)

    def card(self, stage: str, accepted: str = "") -> str:
        """The card of a stage."""
        artifact = self.artifact(stage)
        told = Told(accepted=accepted)
        return card(self.store, artifact, verdict(self.store, artifact), told)


@pytest.fixture
def bookcase(tmp_path: Path) -> Bookcase:
    """An empty store to put artifacts into by hand."""
    return Bookcase(tmp_path / "store")


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A store with a data set."""
    return Made(tmp_path_factory.mktemp("rows"), ROWS)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Made:
    """A store with an adapter, a model and its scores."""
    student = (
        f"  student: {{kind: transformers, licence: apache-2.0, checkpoint: {tiny_checkpoint}}}\n"
    )
    text = ROWS.replace("stages:\n", f"{student}stages:\n") + WEIGHTS
    return Made(tmp_path_factory.mktemp("weights"), text)
