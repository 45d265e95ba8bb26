"""A side's settings compete in processes of their own; what fails or computes otherwise is out."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.training_peers.jobs import Job
from benchmarks.training_peers.measuring import Side, fastest, largest_difference, ratio, timed

SCRIPT = """\
import json, sys
job = json.load(open(sys.argv[1]))
settings = job["settings"]
if settings.get("attention") == "broken":
    sys.exit("no such attention")
seconds = {1: 3.0, 2: 2.0, 4: 1.0}[settings["batch"]] * len(job["rows"]) / 4
losses = [[settings.get("offset", 0.0) + (2.5 if settings["batch"] == 4 else 2.0)]] * len(job["passes"])
print(json.dumps({"seconds": [seconds] * len(job["passes"]), "losses": losses, "peak_mb": 1.0}))
"""  # noqa: E501 - a script of few lines
AXES: dict[str, tuple[Any, ...]] = {"attention": ("broken", "whole"), "batch": (1, 2, 4)}


@pytest.fixture
def job() -> Job:
    """A job whose numbers the script above makes up."""
    return Job("sft", "", "rows", "cpu", "bfloat16", 8, 4, 1e-3, (4, 8, 8), {})


def side(folder: Path, axes: dict[str, tuple[Any, ...]]) -> Side:
    script = folder / "side.py"
    script.write_text(SCRIPT, encoding="utf-8")
    return Side("side", sys.executable, str(script), axes)


def test_the_fastest_setting_with_the_same_loss_wins(tmp_path: Path, job: Job) -> None:
    chosen, trials = fastest(side(tmp_path, AXES), job, 8, loss=2.0)
    assert chosen == {"attention": "whole", "batch": 2}
    failed = [trial["failed"] for trial in trials if "failed" in trial]
    assert failed == ["no such attention", "its loss is not 2.0000"]


def test_without_a_loss_to_reach_the_fastest_wins(tmp_path: Path, job: Job) -> None:
    chosen, _ = fastest(side(tmp_path, AXES), job, 8, loss=None)
    assert chosen == {"attention": "whole", "batch": 4}


def test_a_side_that_never_works_fails_with_its_trials(tmp_path: Path, job: Job) -> None:
    found = timed(side(tmp_path, {"attention": ("broken",), "batch": (1,)}), job, 8)
    assert found["failed"] == "no setting worked"
    assert found["trials"][0]["failed"] == "no such attention"
    assert ratio({"seconds": 1.0}, found) is None


def test_the_first_pass_warms_up_and_is_not_timed(tmp_path: Path, job: Job) -> None:
    found = timed(side(tmp_path, {"batch": (1,)}), job, 8)
    assert found["all_seconds"] == [3.0, 3.0]
    assert found["seconds"] == 3.0


def test_losses_are_compared_step_by_step(tmp_path: Path, job: Job) -> None:
    left, right = (side(tmp_path, {"batch": (1,), "offset": (off,)}) for off in (0.0, 0.25))
    found = largest_difference(left, replace(right, name="peer"), job)
    assert found["max_loss_difference"] == 0.25
