"""Each task is measured once, whatever stops the process and whoever asks again."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.recipe import load
from openbezoar.store import Artifact, Store

RECIPE = """\
name: again
models:
  student: {kind: transformers, checkpoint: CHECKPOINT}
  twin: {kind: transformers, checkpoint: TWIN}
stages:
  first: &stage
    kind: evaluate
    model: student
    evaluations:
      - {kind: harness, data: sample, limit: 4, chat_template: both, runtime: {device: cpu}}
  second: {<<: *stage, model: twin}
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from openbezoar import runner
from openbezoar.recipe import load
from openbezoar.store import Store

def say(stage, told):
    print(told, flush=True)
    if "with chat template" in told:
        os.kill(os.getpid(), signal.SIGKILL)

runner.run(load(Path(sys.argv[1])), Store(Path(sys.argv[2])), say)
"""
PLAIN, CHAT = "sample_choices", "sample_choices with chat template"


@pytest.fixture
def recipe(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    """Two stages that measure equal weights under two names."""
    twin = shutil.copytree(tiny_checkpoint, tmp_path / "twin")
    path = tmp_path / "recipe.yaml"
    text = RECIPE.replace("CHECKPOINT", str(tiny_checkpoint)).replace("TWIN", str(twin))
    path.write_text(text, encoding="utf-8")
    return path


def made(recipe: Path, store: Path) -> tuple[list[Artifact], list[str]]:
    """The artifacts of a run, and what it said of tasks."""
    said: list[str] = []
    artifacts = runner.run(load(recipe), Store(store), lambda stage, told: said.append(told))
    return artifacts, [told for told in said if "sample_choices" in told]


@pytest.mark.slow
def test_a_killed_evaluation_goes_on_after_its_last_whole_task(
    recipe: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    call = [sys.executable, "-c", KILLED, str(recipe), str(store)]
    killed = subprocess.run(call, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again, told = made(recipe, store)
    assert told == [
        f"student: {PLAIN}: measured before",
        f"student: {CHAT}",
        f"twin: {PLAIN}: measured before",
        f"twin: {CHAT}: measured before",
    ]
    clean, _ = made(recipe, tmp_path / "clean")
    for one, other in zip(again, clean, strict=True):
        assert one.numbers["scores"] == other.numbers["scores"]
        for name in ("scores.json", "items.jsonl", "transcripts.jsonl"):
            assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes()


@pytest.mark.slow
def test_other_weights_or_settings_are_measured_anew(recipe: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    made(recipe, store)
    text = recipe.read_text(encoding="utf-8")
    recipe.write_text(text.replace("limit: 4", "limit: 3"), encoding="utf-8")
    assert made(recipe, store)[1][:2] == [f"student: {PLAIN}", f"student: {CHAT}"]
    recipe.write_text(text, encoding="utf-8")
    config = tmp_path / "twin" / "config.json"
    changed = json.loads(config.read_text(encoding="utf-8")) | {"rms_norm_eps": 1e-5}
    config.write_text(json.dumps(changed), encoding="utf-8")
    assert made(recipe, store)[1] == [f"twin: {PLAIN}", f"twin: {CHAT}"]
