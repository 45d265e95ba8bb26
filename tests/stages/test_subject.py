"""A model is measured in the format it was trained in; a base without one in the project's."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import DataError
from openbezoar.families import Bench
from openbezoar.hub import checkpoint
from openbezoar.models.transformers import Transformers
from openbezoar.stages.subject import find_subject, has_template
from openbezoar.store import Artifact
from openbezoar.training.adapters import load_model
from openbezoar.training.format import Format
from tests.stages.test_start import artifact


def bench(tmp_path: Path, base: Path, model: Artifact, said: list[str]) -> Bench:
    def refuse(*_: Any) -> Any:
        raise AssertionError("nothing is opened to find what is measured")

    return Bench(
        stage="scores", seed=0, folder=tmp_path, scratch=tmp_path, inputs={"merged": model},
        specs={"base": Transformers(checkpoint=str(base))}, open_model=refuse,
        open_checkpoint=refuse, say=said.append, find=refuse,
    )  # fmt: skip


def without_template(folder: Path) -> Path:
    (folder / "chat_template.jinja").unlink()
    assert Format.load(folder).tokenizer.chat_template is None
    return folder


def test_a_base_without_a_chat_template_is_asked_in_ours(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    base = without_template(shutil.copytree(tiny_checkpoint, tmp_path / "base"))
    said: list[str] = []
    subject, numbers = find_subject(
        "base", bench(tmp_path, base, artifact(tmp_path / "m", "model", {}), said)
    )
    assert said == ["base has no chat template; it is asked in the OpenBezoar format"]
    assert numbers["format"] == Format.for_training(tiny_checkpoint).fingerprint
    assert numbers["template"] == "OpenBezoar, as the checkpoint has none"
    assert Format.load(checkpoint(str(subject.path))).fingerprint == numbers["format"]
    assert subject.lent_template
    assert load_model(subject.path).config.vocab_size == load_model(base).config.vocab_size


def test_a_checkpoint_with_a_template_is_asked_in_its_own(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    given = bench(tmp_path, tiny_checkpoint, artifact(tmp_path / "m", "model", {}), [])
    subject, numbers = find_subject("base", given)
    assert subject.path == tiny_checkpoint
    assert numbers == {"format": Format.load(tiny_checkpoint).fingerprint}


@pytest.mark.parametrize("change", ["template", "tokenizer"])
def test_a_model_in_another_format_than_it_was_trained_in_is_refused(
    tmp_path: Path, tiny_checkpoint: Path, change: str
) -> None:
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "merged" / "model")
    format_ = Format.load(folder)
    merged = artifact(tmp_path / "merged", "model", {"format": format_.fingerprint})
    given = bench(tmp_path, tiny_checkpoint, merged, [])
    assert find_subject("merged", given)[0].path == folder
    if change == "template":
        (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    else:
        format_.tokenizer.add_tokens(["thermal"])
        format_.tokenizer.save_pretrained(folder)
    way_on = r"is not the one it was trained with .* -s stages\.scores\.force=true"
    with pytest.raises(DataError, match=way_on):
        find_subject("merged", given)
    subject, numbers = find_subject("merged", given, force=True)
    assert subject.fingerprint != given.inputs["merged"].manifest.fingerprint
    assert numbers["forced"] == "not in the format it was trained in"


def test_a_template_is_seen_without_loading_a_tokenizer(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    assert has_template(tiny_checkpoint)
    assert not has_template(tmp_path)
    settings = tmp_path / "tokenizer_config.json"
    settings.write_text('{"chat_template": null}', encoding="utf-8")
    assert not has_template(tmp_path)
    settings.write_text('{"chat_template": "{{ messages }}"}', encoding="utf-8")
    assert has_template(tmp_path)
    for broken in ("{", "[]"):
        settings.write_text(broken, encoding="utf-8")
        with pytest.raises(DataError, match="no JSON object"):
            has_template(tmp_path)
