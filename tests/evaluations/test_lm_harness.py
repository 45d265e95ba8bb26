"""Calling lm-eval."""

import importlib.util
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from openbezoar.errors import MissingExtra
from openbezoar.evaluations.lm_harness import check_installed, quiet


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


def test_a_backend_that_is_not_installed_is_named_with_its_line() -> None:
    check_installed("transformers")
    if importlib.util.find_spec("vllm") is None:
        with pytest.raises(MissingExtra, match=r"pip install 'openbezoar\[vllm\]', or set backend"):
            check_installed("vllm")
    else:
        check_installed("vllm")
