"""Counts tokens as a model does, by a tokenizer's own file and nothing else of the model."""

import json
from functools import cache
from typing import TYPE_CHECKING

from openbezoar import hub
from openbezoar.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["SERVER", "count_tokens", "load_tokenizer"]

SERVER = "server"
"""Stands, as a tokenizer's name, for the server that answers."""


def count_tokens(name: str, text: str) -> int:
    """The tokens of a text, none added at its ends, by the tokenizer of this name."""
    return len(load_tokenizer(name).encode(text, add_special_tokens=False).ids)


@cache
def load_tokenizer(name: str) -> "Tokenizer":
    """The tokenizer of a folder or of a name on the hub; it is data and runs no code."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtra(
            "counting by a model's tokenizer needs tokenizers; pip install 'openbezoar[tokenizer]'"
        ) from None
    path = hub.tokenizer(name)
    text = path.read_text(encoding="utf-8", errors="replace")
    if not _is_tokenizer(text):
        raise ConfigError(f"{path}: holds no tokenizer; fetch it anew, or name another")
    tokenizer = Tokenizer.from_str(text)
    # A file may carry the settings of the training it was saved after.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _is_tokenizer(text: str) -> bool:
    try:
        content = json.loads(text)
    except ValueError:
        return False
    return isinstance(content, dict) and isinstance(content.get("model"), dict)
