"""Counting tokens by a tokenizer's own file."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openbezoar.errors import ConfigError
from openbezoar.models.counting import count_tokens, load_tokenizer
from openbezoar.schemes.evolving import first_tokens

WORDS = [
    "name",
    "the",
    "fruit",
    "fruits",
    "that",
    "grow",
    "growing",
    "in",
    "Norway",
    "naïve",
    "日本",
]


@pytest.fixture(scope="session")
def merging(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a byte-level tokenizer that learned to merge some words, and to cut at 4."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=340, initial_alphabet=alphabet, special_tokens=["<s>"], show_progress=False
    )
    tokenizer.train_from_iterator([" ".join(WORDS)] * 50, trainer)
    tokenizer.enable_truncation(max_length=4)
    tokenizer.enable_padding(length=8)
    folder = tmp_path_factory.mktemp("merging")
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_nothing_is_added_cut_or_filled_up(merging: Path) -> None:
    assert count_tokens(str(merging), "") == 0
    assert count_tokens(str(merging), "q" * 100_000) == 100_000
    assert count_tokens(str(merging), " growing growing") < 16


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=12).map(" ".join),
    limit=st.integers(1, 12),
)
def test_the_first_tokens_by_a_real_tokenizer_are_whole_characters(
    merging: Path, text: str, limit: int
) -> None:
    async def count(part: str) -> int:
        part.encode()
        return count_tokens(str(merging), part)

    kept = asyncio.run(first_tokens(text, limit, count))
    assert text.startswith(kept)
    assert count_tokens(str(merging), kept) <= limit
    assert kept == text or count_tokens(str(merging), text[: len(kept) + 1]) > limit


def test_a_folder_needs_no_weights(merging: Path) -> None:
    assert [path.name for path in merging.iterdir()] == ["tokenizer.json"]
    assert load_tokenizer(str(merging)).get_vocab_size() > 256


@pytest.mark.parametrize("content", ["", "<html>", "[]", "{}", '{"model": null}', "\x00" * 9])
def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"tokenizer\.json: holds no tokenizer"):
        load_tokenizer(str(tmp_path))


def test_a_folder_without_one_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no tokenizer\.json; save it once"):
        load_tokenizer(str(tmp_path))


def test_a_missing_extra_names_its_install_line() -> None:
    script = (
        "import sys; sys.modules['tokenizers'] = None\n"
        "from openbezoar.errors import MissingExtra\n"
        "from openbezoar.models.counting import load_tokenizer\n"
        "try: load_tokenizer('m')\n"
        "except MissingExtra as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "pip install 'openbezoar[tokenizer]'" in ran.stdout
