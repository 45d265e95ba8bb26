"""The embedded teacher, killed in the middle: no row is lost and none is made twice."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openbezoar.store import Artifact, Store

RECIPE = """\
name: killed
models:
  teacher:
    kind: llama_cpp
    model: smollm2-135m-instruct
    context: 512
    runtime: {slots: 2, threads: 1}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions, limit: 12}}
  rows:
    kind: generate
    seeds: seeds
    teacher: teacher
    failure_share: 1
    scheme: {kind: respond, sampling: {max_tokens: 32}}
    runtime: {concurrency: 2}
"""
COMMAND = [sys.executable, "-c", "from openbezoar.cli import main; main()", "run", "recipe.yaml"]


def answers(store: Path) -> int:
    """How many answers are on disk."""
    if not (store / "completions.sqlite").exists():
        return 0
    try:
        with sqlite3.connect(f"file:{store}/completions.sqlite?mode=ro", uri=True) as database:
            return int(database.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.OperationalError:  # the file is there before its table is
        return 0


def killed_after(folder: Path, count: int) -> int:
    """Start a run, kill it once so many answers are kept, and say how many were."""
    with subprocess.Popen(COMMAND, cwd=folder, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while answers(folder / ".bezoar") < count and time.monotonic() < deadline:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    return answers(folder / ".bezoar")


def made_by(folder: Path, stage: str) -> Artifact:
    found = [one for one in Store(folder / ".bezoar").artifacts() if one.manifest.stage == stage]
    return found[-1]


@pytest.mark.slow
def test_every_seed_comes_out_once_after_a_kill_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    kept = killed_after(tmp_path, 4)
    assert not list((tmp_path / ".bezoar").glob("rows-*[!l]/manifest.json"))
    done = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    artifact = made_by(tmp_path, "rows")
    seeds = [json.loads(line)["id"] for line in lines(made_by(tmp_path, "seeds"), "rows")]
    out = [json.loads(line) for name in ("rows", "failed") for line in lines(artifact, name)]
    assert sorted(parent for row in out for parent in row["parents"]) == sorted(seeds)
    usage = artifact.manifest.run["usage"]
    assert isinstance(usage, dict)
    assert usage["cached"] == kept >= 4


def lines(artifact: Artifact, name: str) -> list[str]:
    return (artifact.folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
