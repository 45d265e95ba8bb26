"""The tokenizer in use is the one its model was trained with, also where a conversion is not."""

import shutil
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from openbezoar.training.format import PROBES, Format
from openbezoar.training.tokenizer import SentencePieceBackend, differing, load_tokenizer
from tests.conftest import turns

Models = dict[str, Path]


def test_a_conversion_that_splits_alike_is_used(piece_models: Models) -> None:
    tokenizer = load_tokenizer(piece_models["true"])
    assert not isinstance(tokenizer, SentencePieceBackend)
    assert differing(tokenizer, piece_models["true"], PROBES) == []


def test_where_a_conversion_splits_otherwise_the_model_itself_is_used(piece_models: Models) -> None:
    folder = piece_models["changing"]
    converted = AutoTokenizer.from_pretrained(str(folder))
    assert "a  b   c" in differing(converted, folder, PROBES)
    tokenizer = load_tokenizer(folder)
    assert isinstance(tokenizer, SentencePieceBackend)
    assert differing(tokenizer, folder, PROBES) == []
    assert tokenizer.encode("thermal")[0] == tokenizer.bos_token_id


def test_anyone_who_loads_what_was_saved_gets_the_same_ids(
    piece_models: Models, tmp_path: Path
) -> None:
    format_ = Format.for_training(piece_models["changing"])
    format_.tokenizer.save_pretrained(tmp_path)
    shutil.copy(piece_models["changing"] / "config.json", tmp_path)
    others = AutoTokenizer.from_pretrained(str(tmp_path))
    messages = turns("Name a thermal spring.", "Bath.", "Another  one.")
    rendered = others.apply_chat_template(
        [message.model_dump() for message in messages],
        add_generation_prompt=True, tokenize=True, return_dict=False,
    )  # fmt: skip
    assert rendered == format_.prompt(messages)
    assert Format.load(tmp_path).fingerprint == format_.fingerprint


def test_a_folder_that_names_the_model_itself_begins_as_its_settings_say(
    piece_models: Models, tmp_path: Path
) -> None:
    """What `bezoar check` advises: another tokenizer_class in tokenizer_config.json."""
    folder = shutil.copytree(piece_models["true"], tmp_path / "copy")
    settings = folder / "tokenizer_config.json"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("LlamaTokenizer", "SentencePieceBackend"), encoding="utf-8")
    tokenizer = load_tokenizer(folder)
    assert isinstance(tokenizer, SentencePieceBackend)
    assert tokenizer.encode("thermal")[0] == tokenizer.bos_token_id


def test_single_bytes_and_special_tokens_read_back(piece_models: Models) -> None:
    tokenizer = SentencePieceBackend.from_pretrained(piece_models["true"], begins_with_bos=True)
    ids = [*tokenizer.encode("thermal\n日本"), tokenizer.eos_token_id]
    assert tokenizer.decode(ids) == "<s>thermal\n日本</s>"
    assert tokenizer.decode(ids, skip_special_tokens=True) == "thermal\n日本"


def test_the_fingerprint_tells_the_two_apart(
    piece_models: Models, formats: dict[str, Format]
) -> None:
    """Their vocabularies are equal."""
    converted = Format(AutoTokenizer.from_pretrained(str(piece_models["changing"])))
    itself = Format.load(piece_models["changing"])
    assert converted.tokenizer.get_vocab() == itself.tokenizer.get_vocab()
    assert converted.fingerprint != itself.fingerprint


@pytest.mark.parametrize("content", [b"", b"IQ== 0\nIg== 1\n", b"\x00\xff"])
def test_another_file_of_that_name_is_no_sentencepiece_model(
    tiny_checkpoint: Path, tmp_path: Path, content: bytes
) -> None:
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    (folder / "tokenizer.model").write_bytes(content)
    assert differing(load_tokenizer(folder), folder, ["thermal"]) == []
