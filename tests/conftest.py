"""What every test may use: the data folder, a tiny checkpoint, rows made by hand."""

import os
import signal
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from openbezoar.records import Example, Message, Preference

ROOT = Path(__file__).resolve().parents[1]

# A busy machine is slow, not wrong; and the same cases are tried on every machine.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def interrupts() -> None:
    """A shell's background job ignores interrupts, and so would every command the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public data that development and CI have."""
    folder = Path(os.environ.get("OPENBEZOAR_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        # Public rows are never copied into the project; CI always has them.
        pytest.skip("needs public data: name its folder with OPENBEZOAR_DATA (docs/data.md)")
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Llama with a byte-level tokenizer, saved as any checkpoint is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    specials = ["<unk>", "<s>", "</s>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*specials, *letters])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<unk>",
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        tie_word_embeddings=True,
    )
    from openbezoar.training.format import dress

    save_checkpoint(LlamaForCausalLM(config), dress(tokenizer), folder)
    return folder


@pytest.fixture
def example() -> Example:
    """A conversation of one exchange."""
    return Example(id="row-1", messages=turns("What is 2 + 2?", "Four."))


@pytest.fixture
def preference() -> Preference:
    """A pair over a prompt of three turns."""
    prompt = turns("Hello", "Hello, how can I help?", "Name a colour.")
    return Preference(id="pair-1", prompt=prompt, chosen="Blue.", rejected="No.")


def save_checkpoint(model: Any, tokenizer: Any, folder: Path) -> None:
    """Save a model and its tokenizer as one checkpoint."""
    from openbezoar.training.adapters import quiet

    with quiet():
        model.save_pretrained(str(folder))
        tokenizer.save_pretrained(str(folder))


def turns(*texts: str) -> tuple[Message, ...]:
    """Alternating turns, the user first."""
    return tuple(
        Message(role="assistant" if place % 2 else "user", content=text)
        for place, text in enumerate(texts)
    )
