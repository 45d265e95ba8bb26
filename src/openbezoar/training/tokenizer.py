"""A checkpoint's tokenizer; where its SentencePiece model splits otherwise, that model itself.

Transformers converts a `tokenizer.model` into a tokenizer of its own, which may split words in
another way than the model was trained with, and no longer offers the original one by itself.
"""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer
from transformers.convert_slow_tokenizer import import_protobuf
from transformers.tokenization_utils_sentencepiece import SentencePieceBackend as _Stock

from openbezoar.training.format import PROBES, plain_ids

__all__ = ["SentencePieceBackend", "differing", "load_tokenizer"]

MODEL = "tokenizer.model"


class SentencePieceBackend(_Stock):
    """Transformers' own class, made to begin with BOS and to decode the tokens of single bytes.

    It keeps the name, so that whoever loads a folder it was saved in gets transformers' class.
    """

    def __init__(self, begins_with_bos: bool = False, **settings: Any) -> None:
        # not `add_bos_token`: transformers leaves that out of what it saves
        settings["special_tokens_pattern"] = "bos" if begins_with_bos else None
        super().__init__(begins_with_bos=begins_with_bos, **settings)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Special tokens as they are, the text between them as SentencePiece writes it."""
        specials = set(self.all_special_tokens)
        runs = groupby(tokens, key=lambda token: token in specials)
        return "".join(
            "".join(run) if is_special else self.sp_model.decode_pieces(list(run))
            for is_special, run in runs
        )


def load_tokenizer(folder: Path) -> Any:
    """Read the folder's tokenizer; its SentencePiece model where the two disagree on `PROBES`."""
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    if isinstance(tokenizer, _Stock):
        settings = tokenizer.init_kwargs
        begins = settings.get("begins_with_bos", settings.get("add_bos_token", False))
    elif differing(tokenizer, folder, PROBES):
        begins = tokenizer.bos_token_id in tokenizer.encode("a")
    else:
        return tokenizer
    return SentencePieceBackend.from_pretrained(str(folder), begins_with_bos=begins)


def differing(tokenizer: Any, folder: Path, texts: Iterable[str]) -> list[str]:
    """The texts that the tokenizer splits otherwise than the folder's SentencePiece model.

    None where the folder has no such model.
    """
    begins_with_space = tokenizer.tokenize("a")[:1] != ["a"]
    model = _sentence_pieces(folder / MODEL, begins_with_space)
    if model is None:
        return []
    return [text for text in texts if plain_ids(tokenizer, text) != model.encode(text)]


def _sentence_pieces(path: Path, begins_with_space: bool) -> Any:
    """The model, told to put a space before a text or not; none where the file is another thing."""
    from sentencepiece import SentencePieceProcessor

    if not path.is_file():
        return None
    try:
        model = SentencePieceProcessor(model_file=str(path))
    except RuntimeError:  # some families keep the ranks of a byte-level tokenizer under this name
        return None
    content = import_protobuf().ModelProto.FromString(model.serialized_model_proto())
    content.normalizer_spec.add_dummy_prefix &= begins_with_space
    model.LoadFromSerializedProto(content.SerializeToString())
    return model
