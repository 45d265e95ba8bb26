"""Follows docs/extending.md word for word: a new filter is one file, its test and one line."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def blocks() -> list[str]:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    return re.findall(r"```(?:python|yaml)\n(.*?)```", page, re.DOTALL)


@pytest.fixture
def copy_with_filter(tmp_path: Path, blocks: list[str]) -> Path:
    package = tmp_path / "src" / "openbezoar"
    shutil.copytree(ROOT / "src" / "openbezoar", package)
    (package / "filters" / "questions.py").write_text(blocks[0], encoding="utf-8")
    (tmp_path / "test_questions.py").write_text(blocks[1], encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(blocks[2], encoding="utf-8")
    return tmp_path


def in_copy(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_test_on_the_page_passes(copy_with_filter: Path) -> None:
    done = in_copy(copy_with_filter, "-m", "pytest", "-q", "test_questions.py")
    assert "2 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_the_recipe_on_the_page_runs_and_counts_what_it_drops(copy_with_filter: Path) -> None:
    verb = "from openbezoar.cli import main; main()"
    done = in_copy(copy_with_filter, "-c", verb, "run", "recipe.yaml")
    assert done.returncode == 0, done.stderr
    shown = in_copy(copy_with_filter, "-c", verb, "show", "questions", "--json")
    numbers = json.loads(shown.stdout)["numbers"]
    assert numbers["rejected"]["questions: not a question"] == numbers["read"] - numbers["rows"] > 0
