"""Rows through the filters of a recipe, by the real filter stage, in a folder of their own."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from openbezoar import runner
from openbezoar.recipe import load
from openbezoar.store import Artifact, Store

RECIPE = """\
name: filters
stages:
  rows: {kind: source, source: {kind: jsonl, rows: examples, path: rows.jsonl}}
"""
STAGE = """\
  kept:
    kind: filter
    rows: rows
    filters: FILTERS
"""


def prepare(rows: Iterable[dict[str, Any]], folder: Path) -> Artifact:
    """Put examples with `id`, `instruction` and `answer` into a store below the folder."""
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return _run(RECIPE, folder)


def sift(filters: str, folder: Path) -> Artifact:
    """Take the prepared rows through filters, given as YAML; what the filter stage made."""
    return _run(RECIPE + STAGE.replace("FILTERS", filters), folder)


def _run(text: str, folder: Path) -> Artifact:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return runner.run(load(path), Store(folder / "store"), lambda stage, told: None)[-1]
