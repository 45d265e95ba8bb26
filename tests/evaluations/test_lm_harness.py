"""Calling lm-eval."""

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from openbezoar.errors import MissingExtra
from openbezoar.evaluations.lm_harness import HarnessRuntime, check_installed, load, quiet
from openbezoar.training.format import dress
from openbezoar.training.tokenizer import load_tokenizer


@pytest.mark.slow
def test_what_lm_eval_says_goes_to_a_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with quiet(tmp_path / "log.txt"):
        print("printed")  # noqa: T201
        warnings.warn("warned", stacklevel=1)
        logging.getLogger("lm_eval.tasks").warning("logged")
        loud = "import os; os.write(1, b'child says'); os.write(2, b'child shouts')"
        subprocess.run([sys.executable, "-c", loud], check=True)
    assert capfd.readouterr() == ("", "")
    log = (tmp_path / "log.txt").read_text()
    words = ("printed", "logged", "child says", "child shouts")
    assert [word for word in words if word not in log] == []


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
def test_every_text_begins_with_the_tokenizer_s_one_bos(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    """Plain, where the tokenizer adds it, and through the template, which writes it (trap P2)."""
    from tokenizers.processors import TemplateProcessing

    folder = shutil.copytree(tiny_checkpoint, tmp_path / "with bos")
    (folder / "chat_template.jinja").unlink()
    tokenizer = load_tokenizer(folder)
    begins = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.backend_tokenizer.post_processor = begins
    dress(tokenizer).save_pretrained(str(folder))
    with quiet(tmp_path / "log.txt"):
        model = load(folder, "transformers", "float32", HarnessRuntime(device="cpu"))._model
    asked = model.apply_chat_template([{"role": "user", "content": "Why?"}])
    assert asked.startswith("<s>")
    for text in ("Why?", asked):
        context, continued = model._encode_pair(text, " So.")
        assert [place for place, id_ in enumerate([*context, *continued]) if id_ == 1] == [0]


def test_a_backend_that_is_not_installed_is_named_with_its_line() -> None:
    check_installed("transformers")
    if importlib.util.find_spec("vllm") is None:
        with pytest.raises(MissingExtra, match=r"pip install 'openbezoar\[vllm\]', or set backend"):
            check_installed("vllm")
    else:
        check_installed("vllm")
