"""Calling lm-eval."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from openbezoar.errors import ConfigError
from openbezoar.evaluations.lm_harness import check_reachable, quiet

UNREACHABLE = """
from pathlib import Path
from openbezoar.errors import DataError
from openbezoar.evaluations.lm_harness import check_reachable, quiet
try:
    with quiet(Path("log.txt")):
        check_reachable("sciq")
except DataError as error:
    print(error)
"""


@pytest.mark.slow
def test_what_lm_eval_says_goes_to_a_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with quiet(tmp_path / "log.txt"):
        print("printed")  # noqa: T201
        warnings.warn("warned", stacklevel=1)
        logging.getLogger("lm_eval.tasks").warning("logged")
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'child')"], check=True)
    assert capfd.readouterr() == ("", "")
    log = (tmp_path / "log.txt").read_text()
    assert {word for word in ("printed", "logged", "child") if word in log} == {
        "printed",
        "logged",
        "child",
    }


@pytest.mark.slow
def test_afterwards_everything_speaks_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = os.environ.get("DISABLE_MULTIPROC")
    with pytest.raises(ValueError, match="inside"), quiet(tmp_path / "log.txt"):
        raise ValueError("inside")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
    assert os.environ.get("DISABLE_MULTIPROC") == before


@pytest.mark.slow
def test_a_misspelt_task_names_the_ones_near_it(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"no task 'arc_esy'; did you mean .*arc_easy"),
        quiet(tmp_path / "log.txt"),
    ):
        check_reachable("arc_esy")


@pytest.mark.slow
def test_a_task_with_rows_nowhere_says_so_in_one_line(tmp_path: Path) -> None:
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", UNREACHABLE],
        cwd=tmp_path, env=offline, check=True, capture_output=True, text=True,
    )  # fmt: skip
    [line] = found.stdout.splitlines()
    assert "the rows of sciq are neither in the folder OPENBEZOAR_DATA names nor on the hub" in line
