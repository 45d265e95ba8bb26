"""lm-eval's tasks whose rows are not on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openbezoar.errors import ConfigError
from openbezoar.evaluations.hub_tasks import load

UNREACHABLE = """
from pathlib import Path
from openbezoar.errors import DataError
from openbezoar.evaluations.hub_tasks import load
from openbezoar.evaluations.lm_harness import quiet
try:
    with quiet(Path("log.txt")):
        load("sciq")
except DataError as error:
    print(error)
"""


def test_a_misspelt_task_names_the_ones_near_it() -> None:
    with pytest.raises(ConfigError, match=r"no task 'arc_esy'; did you mean .*arc_easy"):
        load("arc_esy")


@pytest.mark.slow
def test_a_task_with_rows_nowhere_says_so_in_one_line(tmp_path: Path) -> None:
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", UNREACHABLE],
        cwd=tmp_path, env=offline, check=True, capture_output=True, text=True,
    )  # fmt: skip
    [line] = found.stdout.splitlines()
    assert "the rows of sciq are neither in the folder OPENBEZOAR_DATA names nor on the hub" in line
