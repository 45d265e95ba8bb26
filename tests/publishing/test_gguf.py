"""A converter that is installed is used, without our keys; without one the way to it is told."""

from pathlib import Path

import pytest

from openbezoar.errors import MissingExtra, PublishError
from openbezoar.publishing.gguf import convert, converter

COPIES = '#!/bin/sh\nexport -p > "$3.env"\necho "$1 $4 $5" > "$3"\n'
FAILS = "#!/bin/sh\necho reading >&2\necho 'Model NoSuchLM is not supported' >&2\nexit 1\n"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, script: str, name: str = "convert_hf_to_gguf.py") -> str:
    path = folder / name
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("name", ["convert_hf_to_gguf.py", "convert-hf-to-gguf"])
def test_a_converter_is_found_by_any_of_its_names(installed: Path, name: str) -> None:
    program = install(installed, COPIES, name)
    assert converter() == program


def test_without_a_converter_it_is_told_how_to_get_one(installed: Path) -> None:
    with pytest.raises(MissingExtra, match=r"--gguf needs llama\.cpp's converter on the PATH"):
        converter()


def test_the_converter_gets_the_model_and_the_type_but_no_key(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "canary-4711")
    out = convert(install(installed, COPIES), Path("model"), installed / "m.gguf", "q8_0")
    assert out.read_text() == "model --outtype q8_0\n"
    assert "canary-4711" not in (installed / "m.gguf.env").read_text()


def test_a_model_that_cannot_be_converted_is_told_in_one_line(installed: Path) -> None:
    with pytest.raises(PublishError, match=r"convert_hf.*\(Model NoSuchLM is not supported\)"):
        convert(install(installed, FAILS), Path("model"), installed / "m.gguf", "bf16")
