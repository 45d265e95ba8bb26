"""A bench for evaluations: artifacts made by hand, scripted models, nothing else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from openbezoar import jsonl
from openbezoar.families import Bench, ChatModel, ModelSpec, Subject
from openbezoar.models.scripted import Line, Scripted, ScriptedModel
from openbezoar.records import Row
from openbezoar.store import Artifact, Manifest

JUDGE = Scripted(lines=(Line(reply="Rating: [[5]]"),))


@dataclass
class Desk:
    """Makes a bench and what lies on it."""

    root: Path
    inputs: dict[str, Artifact] = field(default_factory=dict)
    specs: dict[str, ModelSpec] = field(default_factory=lambda: {"judge": JUDGE})
    student: ChatModel = field(default_factory=lambda: ScriptedModel(lambda request: "An answer."))
    judge: ChatModel = field(default_factory=lambda: ScriptedModel(lambda request: "Rating: [[5]]"))
    said: list[str] = field(default_factory=list)

    def put(
        self, name: str, rows: Sequence[Row], makes: str, file: str = "rows.jsonl", **more: Any
    ) -> Artifact:
        """Lay a stage's rows on the desk."""
        folder = self.root / "store" / name
        folder.mkdir(parents=True)
        jsonl.write(folder / file, rows)
        manifest = Manifest(
            **{
                "stage": name, "kind": "source", "makes": makes, "fingerprint": name, "science": {},
                "inputs": {}, "numbers": {}, "files": {}, "run": {},
            } | more
        )  # fmt: skip
        self.inputs[name] = Artifact(folder, manifest)
        return self.inputs[name]

    def bench(self) -> Bench:
        """The bench, its folder new."""
        folder = self.root / "made"
        (folder / "scratch").mkdir(parents=True, exist_ok=True)
        return Bench(
            stage="evaluate",
            seed=7,
            folder=folder,
            scratch=folder / "scratch",
            inputs=self.inputs,
            specs=self.specs,
            open_model=lambda name: _opened(self.judge),
            open_checkpoint=lambda path, fingerprint: _opened(self.student),
            say=self.said.append,
            find=lambda fingerprint: self.inputs[fingerprint],
        )

    def notes(self, file: str) -> list[dict[str, object]]:
        """What an evaluation recorded."""
        return [row for _, row in jsonl.read_objects(self.root / "made" / file)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with a scripted student and judge."""
    return Desk(tmp_path)


@pytest.fixture
def subject(tiny_checkpoint: Path) -> Subject:
    """The tiny checkpoint, under evaluation."""
    return Subject("tiny", tiny_checkpoint, "tiny-print")


@pytest.fixture
def paper_subject() -> Subject:
    """A subject whose weights nothing reads."""
    return Subject("paper", Path("nowhere"), "paper-print")


@asynccontextmanager
async def _opened(model: ChatModel) -> AsyncIterator[ChatModel]:
    yield model
