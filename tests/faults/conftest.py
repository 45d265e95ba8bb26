"""Runs a small recipe against a teacher that fails in every way, in this process or its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.jsonl import read
from openbezoar.recipe import load
from openbezoar.records import Example, Failure
from openbezoar.store import Artifact, Store
from tests.faults.server import Answer, listening

__all__ = ["KEY", "Bench", "content", "split_rows"]

KEY = "canary-4711-secret"
TEXT = """\
name: faults
models:
  teacher:
    kind: openai
    model: m
    runtime: {base_url: ADDRESS, api_key_env: TEST_KEY, timeout: 1, concurrency: 64}
stages:
  seeds: {kind: source, source: {kind: jsonl, path: seeds.jsonl}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}}
"""


@dataclass
class Bench:
    """A folder with a recipe, and servers that live as long as the test."""

    folder: Path
    stack: ExitStack

    def prepare(self, rows: int, answer: Answer) -> None:
        """Write the seeds and the recipe, and start the teacher."""
        seeds = (json.dumps({"id": str(n), "instruction": f"Question {n}?"}) for n in range(rows))
        (self.folder / "seeds.jsonl").write_text("\n".join(seeds), encoding="utf-8")
        self.point_at(self.stack.enter_context(listening(answer)))

    def point_at(self, address: str) -> None:
        """Write the recipe with a server's address."""
        text = TEXT.replace("ADDRESS", address)
        (self.folder / "recipe.yaml").write_text(text, encoding="utf-8")

    def run(self, *overrides: str, store: str = "store") -> Artifact:
        """Run in this process; the rows' artifact."""
        recipe = load(self.folder / "recipe.yaml", overrides)
        made = runner.run(recipe, Store(self.folder / store), lambda stage, told: None)
        return next(artifact for artifact in made if artifact.manifest.stage == "rows")

    def start(self, *overrides: str, store: str = "store") -> subprocess.Popen[str]:
        """`bezoar run` in a process of its own."""
        call = [sys.executable, "-c", "from openbezoar.cli import main; main()", "run"]
        settings = [part for given in overrides for part in ("-s", given)]
        return subprocess.Popen(
            [*call, "recipe.yaml", "--store", store, *settings],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TEST_KEY": KEY},
        )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEST_KEY", KEY)
    with ExitStack() as stack:
        yield Bench(tmp_path, stack)


def split_rows(made: Artifact) -> tuple[list[str], dict[str, str]]:
    """The seeds that became rows, and the reason for each that did not."""
    kept = [row.parents[0] for row in made.rows(Example)]
    failed = list(read(made.folder / "failed.jsonl", Failure))
    assert len({failure.id for failure in failed}) == len(failed)
    return kept, {failure.parents[0]: failure.reason for failure in failed}


def content(folder: Path) -> dict[str, bytes]:
    """Every file of an artifact but its manifest."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != "manifest.json"
    }
