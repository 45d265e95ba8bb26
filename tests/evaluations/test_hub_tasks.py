"""lm-eval's tasks whose rows are not on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openbezoar.errors import ConfigError
from openbezoar.evaluations.hub_tasks import load, manager_of, refuse_code
from openbezoar.evaluations.lm_harness import quiet

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


UNSAFE = """\
task: scripted
dataset_path: json
dataset_kwargs: {data_files: {test: ROWS}, cache_dir: CACHE}
test_split: test
output_type: generate_until
doc_to_text: "{{asked}}"
doc_to_target: "{{asked}}"
unsafe_code: true
"""


@pytest.mark.slow
def test_a_task_that_would_run_what_a_model_writes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"asked": "Write a loop."}\n', encoding="utf-8")
    text = UNSAFE.replace("ROWS", str(tmp_path / "rows.jsonl")).replace("CACHE", str(tmp_path))
    (tmp_path / "scripted.yaml").write_text(text, encoding="utf-8")
    with quiet(tmp_path / "log.txt"):
        tasks = manager_of((tmp_path,)).load(["scripted"])["tasks"]
    with pytest.raises(ConfigError, match=r"scripted runs the code .* leave it out"):
        refuse_code(tasks)
