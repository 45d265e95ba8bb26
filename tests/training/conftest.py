"""What the training tests share: encoded rows, a loaded tiny model, tokenizers of many kinds."""

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.records import Preference
from openbezoar.training.adapters import Lora, attach_adapter, load_model
from openbezoar.training.format import Encoded, Format, dress
from openbezoar.training.loop import Course
from openbezoar.training.settings import Optimisation, TrainingRuntime
from tests.conftest import ROOT, turns

Rows = list[tuple[Encoded, ...]]
WORDS = ("red", "green", "blue", "seven", "north", "a longer answer of some words", "yes", "no")


@pytest.fixture(scope="session")
def format_(tiny_checkpoint: Path) -> Format:
    """The tiny checkpoint's tokenizer in the OpenBezoar format."""
    return Format.for_training(tiny_checkpoint)


@pytest.fixture(scope="session")
def rows(format_: Format) -> Rows:
    """Eight rows of different lengths."""
    questions = (turns(f"Question {place}" * (1 + place % 3)) for place in range(8))
    return [
        (format_.encode(asked, answer, 2048),)
        for asked, answer in zip(questions, WORDS, strict=True)
    ]


@pytest.fixture(scope="session")
def pairs(format_: Format) -> Rows:
    """Six preference pairs."""
    objective = DirectPreferenceOptimization()
    return [
        objective.encode(
            Preference(
                id=str(place),
                prompt=turns(f"Question {place}"),
                chosen=WORDS[place],
                rejected=WORDS[place + 1] * 2,
            ),
            format_,
            2048,
        )
        for place in range(6)
    ]


@pytest.fixture
def adapted(tiny_checkpoint: Path) -> Callable[..., Any]:
    """Make the tiny model in float32 with a new adapter, always the same one."""

    def make(precision: Any = "float32", dropout: float = 0.0, **settings: Any) -> Any:
        import torch

        torch.manual_seed(0)
        lora = Lora(**{"r": 4, "alpha": 8, "dropout": dropout, **settings})
        return attach_adapter(load_model(tiny_checkpoint, precision=precision), lora)

    return make


@pytest.fixture
def course(tmp_path: Path) -> Callable[..., Course]:
    """Describe a small training."""

    def make(
        train: Rows, valid: Sequence[Any] = (), objective: Any = None, **settings: Any
    ) -> Course:
        runtime = {
            name: settings.pop(name) for name in TrainingRuntime.model_fields if name in settings
        }
        return Course(
            objective=objective or SupervisedFineTuning(),
            settings=Optimisation(**{"batch_rows": 4, "learning_rate": 1e-2, **settings}),
            runtime=TrainingRuntime(device="cpu", **runtime),
            seed=3,
            train=train,
            valid=valid,
            scratch=tmp_path / "scratch",
            say=lambda text: None,
            logs=tmp_path / "logs",
        )

    return make


SPECIALS = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
KINDS = ("byte level", "byte level, bos", "sentencepiece", "converted", "prefix space", "wordpiece")
"""Every kind of tokenizer a base model may have."""


@pytest.fixture(scope="session")
def piece_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders that hold a small SentencePiece model alone: `true` to the text, and `changing` it.

    The changing one makes one space of many and of line breaks, which no conversion follows.
    """
    folder = tmp_path_factory.mktemp("pieces")
    true = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
    return {
        "true": _piece_model(folder / "true", **true),
        "changing": _piece_model(folder / "changing"),
    }


@pytest.fixture(scope="session")
def formats(piece_models: dict[str, Path]) -> dict[str, Format]:
    """The OpenBezoar format with each kind of tokenizer."""
    from openbezoar.training.tokenizer import SentencePieceBackend

    pieces = SentencePieceBackend.from_pretrained(piece_models["true"], begins_with_bos=True)
    tokenizers = {
        "byte level": tokenizer_of(byte_level(list(SPECIALS.values())), **SPECIALS),
        "byte level, bos": tokenizer_of(
            _beginning(byte_level(list(SPECIALS.values()))), **SPECIALS
        ),
        "sentencepiece": pieces,
        "converted": Format.load(piece_models["true"]).tokenizer,
        "prefix space": tokenizer_of(sentence_pieces([], "always"), **SPECIALS),
        "wordpiece": tokenizer_of(_word_pieces(), unk_token="[UNK]", eos_token="[SEP]"),
    }
    return {kind: Format(dress(tokenizer)) for kind, tokenizer in tokenizers.items()}


def tokenizer_of(backend: Any, **specials: Any) -> Any:
    """A tokenizer as transformers wraps it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=backend, **specials)


def byte_level(names: list[str]) -> Any:
    """Single bytes, as GPT-2 writes them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*names, *letters])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def sentence_pieces(merges: list[tuple[str, str]], scheme: str) -> Any:
    """Writes spaces as ▁ and puts one before a text; knows ASCII alone."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = [chr(code) for code in range(33, 127)]
    tokens = ["<unk>", "<s>", "</s>", "▁", "\n", *letters, *("".join(pair) for pair in merges)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    backend.decoder = decoders.Metaspace(prepend_scheme=scheme)
    backend.add_special_tokens([AddedToken(name, special=True) for name in tokens[:3]])
    return backend


def _beginning(backend: Any) -> Any:
    from tokenizers.processors import TemplateProcessing

    backend.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", backend.token_to_id("<s>"))]
    )
    return backend


def _word_pieces() -> Any:
    """Lower-cases, drops white space and control characters, cuts words into letters."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    letters = [chr(code) for code in range(33, 127)]
    tokens = ["[UNK]", "[SEP]", *letters, *(f"##{letter}" for letter in letters)]
    backend = Tokenizer(
        models.WordPiece(dict(zip(tokens, range(999), strict=False)), unk_token="[UNK]")
    )
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return backend


def _piece_model(folder: Path, **settings: Any) -> Path:
    from sentencepiece import SentencePieceTrainer

    folder.mkdir()
    rows = ROOT / "src" / "openbezoar" / "sources" / "rows" / "instructions.jsonl"
    lines = rows.read_text(encoding="utf-8").splitlines()
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(folder / "tokenizer"), vocab_size=420,
        model_type="bpe", byte_fallback=True, minloglevel=2, **settings,
    )  # fmt: skip
    config = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, **SPECIALS}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "config.json").write_text('{"model_type": "llama", "vocab_size": 420}')
    return folder
