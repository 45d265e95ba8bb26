"""The command, killed while it makes or copies a publication: nothing half is taken for whole."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openbezoar import shelf
from openbezoar.publishing.folder import STAGING
from openbezoar.publishing.publication import SCRATCH
from openbezoar.publishing.scratch import scratch
from openbezoar.store import Store

pytestmark = pytest.mark.slow
DIES = """
import os, signal, sys
when = sys.argv.pop(1)

def hook(event, arguments):
    if event == when or (event == "open" and when and when in str(arguments[0])):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
from openbezoar.cli import main
main()
"""
MAKING, COPYING = "train-0.partial", "shutil.copyfile"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A folder with a store of its own."""
    shutil.copytree(made, tmp_path / "store")
    return tmp_path


def publish(folder: Path, stage: str, to: str, dies: str = "") -> subprocess.CompletedProcess[str]:
    """The command, killed when it does what this names."""
    command = [sys.executable, "-c", DIES, dies, "publish", stage, "--to", to, "--store", "store"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def left(folder: Path) -> list[str]:
    """What publications that are over left behind."""
    found = [*folder.glob(f"store/{SCRATCH}/*"), *folder.glob(f"out/{STAGING}")]
    return sorted(path.relative_to(folder).as_posix() for path in found)


@pytest.mark.parametrize("dies", [MAKING, COPYING])
def test_what_was_killed_is_no_data_set_and_the_next_publication_sweeps_it(
    folder: Path, dies: str
) -> None:
    from datasets import load_dataset

    assert publish(folder, "data", "out", dies).returncode == -signal.SIGKILL
    assert left(folder)
    with pytest.raises(FileNotFoundError):
        load_dataset(str(folder / "out"), cache_dir=str(folder / "cache"))
    assert publish(folder, "pairs", "elsewhere").returncode == 0
    assert not [name for name in left(folder) if name.startswith("store")]
    assert publish(folder, "data", "out").returncode == 0
    assert left(folder) == []
    assert load_dataset(str(folder / "out"), cache_dir=str(folder / "cache"))["train"].num_rows


def test_what_another_process_is_making_is_neither_swept_nor_made_twice(folder: Path) -> None:
    mine = folder / "store" / SCRATCH / shelf.latest(Store(folder / "store"), "data").folder.name
    with scratch(mine):
        (mine / "rows").write_text("half of them")
        assert publish(folder, "pairs", "out").returncode == 0
        refused = publish(folder, "data", "elsewhere")
        assert (mine / "rows").read_text() == "half of them"
    assert refused.returncode == 1
    assert "another process publishes there; wait for it" in refused.stderr
    assert left(folder) == []
