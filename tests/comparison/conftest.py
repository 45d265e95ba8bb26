"""Stores with evaluate stages made by hand."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from openbezoar.component import digest
from openbezoar.records import Score
from openbezoar.store import Manifest, Store

Put = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def put(store: Store) -> Put:
    """Puts an evaluate stage into the store: its scores, and the items they rest on."""

    def put_stage(
        name: str, scores: Iterable[Score], items: Iterable[dict[str, Any]], model: str = ""
    ) -> None:
        folder = store.begin(name, digest(name))
        lines = "".join(json.dumps(item) + "\n" for item in items)
        (folder / "items.jsonl").write_text(lines, encoding="utf-8")
        manifest = Manifest(
            stage=name, kind="evaluate", makes="scores", fingerprint=digest(name),
            science={}, inputs={}, files={}, run={},
            numbers={
                "model": model or f"{name}_model",
                "scores": [score.model_dump(mode="json") for score in scores],
            },
        )  # fmt: skip
        store.commit(folder, manifest)

    return put_stage


def harness(values: Iterable[float], task: str = "piqa", **changes: Any) -> list[dict[str, Any]]:
    """Items of a task of lm-eval."""
    return [
        {
            "evaluation": "harness", "task": task, "chat_template": False, "filter": "none",
            "id": f"{task}.{place}", "metrics": {"acc": value}, **changes,
        }
        for place, value in enumerate(values)
    ]  # fmt: skip


def score(name: str, value: float | None, **changes: Any) -> Score:
    """A score with settings."""
    return Score.model_validate(
        {"name": name, "value": value, "n": 1, "settings": {"shots": 0}, **changes}
    )
