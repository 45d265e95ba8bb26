"""A run makes what is missing, continues after any end, and says in one line what stopped it."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from openbezoar import runner
from openbezoar.recipe import load
from openbezoar.records import Example
from openbezoar.store import Artifact, Store
from tests.models.conftest import Served, chat, serving

SEEDS = 40
TEXT = """\
name: small
models:
  teacher: {kind: openai, model: m, runtime: {base_url: ADDRESS, api_key_env: TEST_KEY}}
stages:
  seeds: {kind: source, source: {kind: jsonl, path: seeds.jsonl}}
  rows:
    kind: generate
    seeds: seeds
    teacher: teacher
    scheme: {kind: respond}
    runtime: {concurrency: 4}
  kept: {kind: filter, rows: rows, filters: [{kind: length, answer: {least_words: 2}}]}
  data: {kind: mix, rows: [kept]}
"""


TRAINING = """\
name: training
models:
  base: {kind: transformers, checkpoint: CHECKPOINT}
stages:
  rows: {kind: source, source: {kind: jsonl, path: rows.jsonl, rows: examples}}
  data: {kind: mix, rows: [rows]}
  tuned:
    kind: train
    start: base
    data: data
    objective: {kind: sft}
    precision: float32
    optimisation: {batch_rows: 1, epochs: 100000}
    runtime: {checkpoint_every: 1000000}
"""


class Teacher:
    """Answers by the question alone; after some answers it waits until it is let go on."""

    def __init__(self, pause_after: int) -> None:
        self._left = pause_after
        self._lock = threading.Lock()
        self.paused = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, body: dict[str, Any]) -> tuple[int, Any]:
        with self._lock:
            self._left -= 1
            must_wait = self._left < 0
        if must_wait:
            self.paused.set()
            self.go_on.wait()
        return chat(f"An answer to {body['messages'][-1]['content']}")


Serve = Callable[[int], tuple[Teacher, Served]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a teacher, and write seeds and a recipe that asks it."""
    seeds = (json.dumps({"id": str(n), "instruction": f"Question {n}"}) for n in range(SEEDS))
    (tmp_path / "seeds.jsonl").write_text("\n".join(seeds), encoding="utf-8")
    opened: list[Any] = []

    def start(pause_after: int = 10_000) -> tuple[Teacher, Served]:
        teacher = Teacher(pause_after)
        server = serving(teacher)
        served = server.__enter__()
        opened.append((teacher, server))
        text = TEXT.replace("ADDRESS", served.url)
        (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
        return teacher, served

    yield start
    for teacher, server in opened:
        teacher.go_on.set()
        server.__exit__(None, None, None)


def command(folder: Path, store: str, limit: str = "", *more: str) -> subprocess.Popen[str]:
    """`bezoar run` in a process of its own."""
    call = [sys.executable, "-c", "from openbezoar.cli import main; main()", "run", "recipe.yaml"]
    line = f"{limit} exec {shlex.join([*call, '--store', store, *more])}"
    return subprocess.Popen(
        ["/bin/bash", "-c", line], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "TEST_KEY": "canary-key"},
    )  # fmt: skip


def artifacts(store: Path) -> dict[str, Artifact]:
    return {found.manifest.stage: found for found in Store(store).artifacts()}


def content(artifact: Artifact) -> dict[str, Any]:
    """Every byte of an artifact, but for what its manifest says about the run."""
    files: dict[str, Any] = {
        path.name: path.read_bytes() for path in artifact.folder.iterdir() if path.is_file()
    }
    manifest = json.loads(files.pop("manifest.json"))
    del manifest["run"]
    return files | manifest


@pytest.mark.slow
def test_a_killed_run_and_a_new_one_write_the_bytes_of_one_that_lived(
    tmp_path: Path, serve: Serve
) -> None:
    teacher, _ = serve(17)
    with command(tmp_path, "killed") as process:
        assert teacher.paused.wait(60)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert set(artifacts(tmp_path / "killed")) == {"seeds"}
    _, served = serve(10_000)
    with command(tmp_path, "killed") as process:
        assert process.wait() == 0, process.stderr
    again = len(served.bodies) - (SEEDS - 17)
    assert 0 <= again <= 4, "only what was on its way is asked again"
    with command(tmp_path, "lived") as process:
        assert process.wait() == 0
    killed, lived = artifacts(tmp_path / "killed"), artifacts(tmp_path / "lived")
    assert list(killed) == list(lived) == ["seeds", "rows", "kept", "data"]
    for stage in killed:
        assert content(killed[stage]) == content(lived[stage]), stage
    assert len(list(killed["rows"].rows(Example))) == SEEDS


@pytest.mark.slow
def test_a_run_whose_time_is_over_keeps_what_was_answered_and_goes_on(
    tmp_path: Path, serve: Serve
) -> None:
    teacher, served = serve(5)
    with command(tmp_path, "store", "", "--max-hours", "0.001") as process:
        teacher.paused.wait(20)
        time.sleep(4)  # the run's 3.6 seconds
        teacher.go_on.set()
        _, told = process.communicate()
    assert process.returncode == 3
    assert told.splitlines()[-1].startswith("error: the run's time of 0.001 hours is over")
    asked = len(served.bodies)
    assert asked < SEEDS
    made, _ = run(tmp_path)
    assert len(served.bodies) == SEEDS, "not one question was asked twice"
    assert made[1].numbers["rows"] == SEEDS


@pytest.mark.slow
def test_a_training_whose_time_is_over_leaves_a_checkpoint(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    rows = ({"instruction": f"Question {n}", "answer": "Yes."} for n in range(8))
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    text = TRAINING.replace("CHECKPOINT", str(tiny_checkpoint))
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    with command(tmp_path, "store", "", "--max-hours", "0.004") as process:
        _, told = process.communicate()
    assert process.returncode == 3, told
    assert "hours is over; what was made is kept" in told.splitlines()[-1]
    (partial,) = (tmp_path / "store").glob("tuned-*.partial")
    assert list(partial.glob("scratch/checkpoint-*"))
    assert float((partial / "scratch" / "seconds.txt").read_text(encoding="ascii")) > 0


@pytest.mark.slow
def test_an_interrupt_is_told_in_one_line_and_can_be_resumed(tmp_path: Path, serve: Serve) -> None:
    teacher, _ = serve(5)
    with command(tmp_path, "store") as process:
        assert teacher.paused.wait(60)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130
    assert told.splitlines()[-1] == "interrupted; the same command continues from here"
    assert "Traceback" not in told


@pytest.mark.slow
def test_no_key_reaches_the_store_or_the_screen(tmp_path: Path, serve: Serve) -> None:
    serve(10_000)
    with command(tmp_path, "store") as process:
        told = "".join(process.communicate())
    assert process.returncode == 0
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"canary-key" in path.read_bytes()]
    assert "canary-key" not in told


@pytest.mark.parametrize(
    ("store", "limit", "complaint"),
    [
        ("store", "ulimit -f 4;", "error: the disk: File too large"),
        ("seeds.jsonl/store", "", "error: "),
        ("seeds.jsonl", "", "error: seeds.jsonl: "),
    ],
    ids=["full disk", "inside a file", "a file"],
)
def test_a_store_that_cannot_be_written_is_told_in_one_line(
    tmp_path: Path, serve: Serve, store: str, limit: str, complaint: str
) -> None:
    serve(10_000)
    lines = [json.dumps({"id": str(n), "instruction": "Why? " * 20}) for n in range(400)]
    (tmp_path / "seeds.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with command(tmp_path, store, limit) as process:
        _, told = process.communicate()
    assert process.returncode == 1
    errors = [line for line in told.splitlines() if line.startswith("error: ")]
    assert errors == [told.splitlines()[-1]]
    assert errors[0].startswith(complaint)
    assert "Traceback" not in told


def run(folder: Path, *overrides: str) -> tuple[list[Artifact], list[str]]:
    told: list[str] = []
    recipe = load(folder / "recipe.yaml", overrides)
    store = Store(folder / "store")
    return runner.run(recipe, store, lambda stage, text: told.append(f"{stage}: {text}")), told


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEST_KEY", "canary-key")
    monkeypatch.chdir(tmp_path)


def test_a_second_run_does_nothing(tmp_path: Path, serve: Serve) -> None:
    _, served = serve(10_000)
    first, _ = run(tmp_path)
    asked = len(served.bodies)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.json*")}
    again, told = run(tmp_path)
    assert again == first
    assert len(served.bodies) == asked == SEEDS
    assert told == [f"{stage}: made already" for stage in ("seeds", "rows", "kept", "data")]
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_changed_stage_is_made_again_and_the_old_one_stays(tmp_path: Path, serve: Serve) -> None:
    _, served = serve(10_000)
    run(tmp_path)
    run(tmp_path, "stages.kept.filters.0.answer.least_words=1")
    assert len(served.bodies) == SEEDS
    stages = [found.manifest.stage for found in Store(tmp_path / "store").artifacts()]
    assert sorted(stages) == ["data", "data", "kept", "kept", "rows", "seeds"]


def test_the_manifest_tells_of_the_run(tmp_path: Path, serve: Serve) -> None:
    serve(10_000)
    (_, rows, *_), _ = run(tmp_path)
    told: Any = rows.manifest.run
    assert told["usage"]["requests"] == SEEDS
    assert told["usage"]["cached"] == 0
    assert told["peak_memory_mb"] > 10
    assert told["versions"]["python"] == sys.version.split()[0]
    assert set(rows.manifest.files) == {"rows.jsonl", "failed.jsonl", "asked.jsonl"}
