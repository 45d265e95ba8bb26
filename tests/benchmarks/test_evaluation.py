"""The benchmark of judging asks a server in a process of its own and prints its share of ideal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "evaluation.py"


@pytest.mark.slow
def test_verdicts_take_at_least_the_latency_of_their_rounds() -> None:
    call = [sys.executable, str(SCRIPT), "--json", "--only=judging", "--repetitions=1"]
    done = subprocess.run(
        [*call, "--verdicts=8", "--in-flight=4"], stdout=subprocess.PIPE, check=True
    )
    found = json.loads(done.stdout)
    assert 0 < found["judge_ideal_fraction"] <= 1
    assert [one["verdicts"] for one in found["judging"]] == [8]
    assert found["judging"][0]["seconds"] >= 4
