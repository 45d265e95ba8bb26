"""The training benchmarks run on a tiny random model and print what they promise."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEYS = {
    "sft": {"tokens_per_second", "ratio_packed", "ratio_padded", "fraction_of_matmul"},
    "dpo": {"pairs_per_second", "ratio", "tokens_saved", "tokens_per_pair"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(KEYS))
def test_ours_alone_is_measured(name: str, data_folder: Path, tmp_path: Path) -> None:
    call = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), "--shape=tiny", "--json"]
    call += ["--rows=4", "--batch-rows=2", "--repetitions=1", f"--work={tmp_path}"]
    variables = {**os.environ, "OPENBEZOAR_DATA": str(data_folder)}
    done = subprocess.run(call, stdout=subprocess.PIPE, check=True, env=variables)
    found = json.loads(done.stdout)
    assert KEYS[name] | {"peers", "peak_mb", "max_loss_difference"} <= found.keys()
    assert "failed" not in found["ours"]
    assert found["peak_mb"] > 0
    assert found["peers"] == {}
