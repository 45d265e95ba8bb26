"""Runs small recipes with a scripted teacher in a folder of the test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.recipe import load
from openbezoar.store import Artifact, Store

Run = Callable[..., dict[str, Artifact]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a recipe's text with overrides; its artifacts by stage."""

    def run_text(text: str, *overrides: str, store: str = "store") -> dict[str, Artifact]:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        recipe = load(path, overrides)
        made = runner.run(recipe, Store(tmp_path / store), lambda stage, told: None)
        return {artifact.manifest.stage: artifact for artifact in made}

    return run_text


def content(artifact: Artifact) -> dict[str, bytes]:
    """Every file of an artifact but its manifest."""
    return {
        path.relative_to(artifact.folder).as_posix(): path.read_bytes()
        for path in sorted(artifact.folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
