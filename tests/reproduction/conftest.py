"""A run of a small recipe with a scripted teacher, and what tells of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from openbezoar import runner
from openbezoar.account import Account, account_of
from openbezoar.recipe import parse
from openbezoar.store import Artifact, Store

TEXT = """\
name: small
models:
  teacher: {kind: scripted, lines: [{reply: "Yes, indeed."}]}
stages:
  seeds: {kind: source, source: {kind: jsonl, path: rows.jsonl}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}}
  kept: {kind: filter, rows: rows, filters: [{kind: length, answer: {least_words: 1}}]}
"""
ROWS = '{"instruction": "Say yes."}\n{"instruction": "Agree with me."}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with the rows of the recipe."""
    (tmp_path / "rows.jsonl").write_text(ROWS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


Make = Callable[..., list[Artifact]]


@pytest.fixture
def make(folder: Path) -> Make:
    """Runs the recipe, with these overrides, into a store of this name."""

    def run(store: str = "store", *overrides: str) -> list[Artifact]:
        recipe = parse(TEXT, folder / "recipe.yaml", overrides)
        return runner.run(recipe, Store(folder / store), lambda stage, text: None)

    return run


@pytest.fixture
def account(make: Make) -> Account:
    """The account of one run."""
    return account_of(make())


def card_of(recipe: str, **head: Any) -> str:
    """A card as it is published: facts in front, the recipe in a block of its own."""
    block = f"```yaml\n{recipe}```\n"
    return f"---\n{yaml.safe_dump(head)}---\n# A model\n\n## Recipe\n\nIt made this.\n\n{block}"
