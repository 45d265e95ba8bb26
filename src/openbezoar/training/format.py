"""Conversations as token ids with a loss mask, in the OpenBezoar chat format.

The format is the tokenizer's own chat template, one of `renderings.py`, and a prompt is what that
template renders: whoever loads the tokenizer asks with the very ids of the training. An answer is
tokenised by itself, never as a part of something longer, so that the mask is a count.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openbezoar.errors import ConfigError, ParseError
from openbezoar.records import Message
from openbezoar.training.renderings import FORMS, Rendering, chat_template, neutral

__all__ = ["PROBES", "Encoded", "Format", "dress", "plain_ids"]

ANCHORS = ("\n", "a", "#", "1", "é")
"""Text put before an answer, and cut off again, so that it gets no space of its own."""
CONTROL = "text that reads as a control token"
PROBES = (
    "thermal", "tasks", "hypothermal thermally", "Name three thermal springs.", "I'm he'll we've",
    "naïve café über", "日本語のテキスト", "Здравствуйте", "مرحبا", "\U0001f600 \U0001f680",
    "a  b   c", "def f(x):\n    return x ** 2\n", "### Response:\nYes.", "tab\there", "3.14159",
    "http://example.org/a_b?c=d", "e\u0301 \uff21 \u00bd",
)  # fmt: skip
"""Texts on which converted tokenizers were seen, or may be expected, to go another way."""


@dataclass(frozen=True)
class Encoded:
    """One token sequence; `supervised[i]` says whether token i is learned."""

    ids: list[int]
    supervised: list[bool]
    cut: tuple[str, ...] = field(default=(), compare=False)
    """What was shortened to make it fit: prompt, answer. An answer that was has no EOS."""

    @property
    def answer_tokens(self) -> int:
        """How many tokens are learned; the first token of a sequence can never be predicted."""
        return sum(self.supervised[1:])


class Format:
    """Encodes conversations with one tokenizer, by the chat template it carries.

    A template of another kind, such as a base model's, counts as `openbezoar`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.adds_bos = _adds_bos(tokenizer)
        self.control = _control(tokenizer)
        """The ids that steer a model: all special ones but the sign for what is unknown."""
        self.rendering = _rendering(tokenizer)
        self._form = FORMS[self.rendering]
        self._joins_words = _joins_words(tokenizer)

    @classmethod
    def load(cls, folder: Path) -> "Format":
        """Read a folder's tokenizer, with the chat template it carries."""
        from openbezoar.training.tokenizer import load_tokenizer

        return cls(load_tokenizer(folder))

    @classmethod
    def for_training(cls, folder: Path, rendering: Rendering | None = None) -> "Format":
        """Read a model's tokenizer and give it the rendering's template and a padding token.

        Without a rendering it keeps its own.
        """
        format_ = cls.load(folder)
        if format_.tokenizer.eos_token_id is None:
            raise ConfigError(f"{folder}: the tokenizer has no EOS token, so no answer could end")
        return cls(dress(format_.tokenizer, rendering or format_.rendering))

    @property
    def fingerprint(self) -> str:
        """Changes with the vocabulary, the template, and the way in which text is split."""
        tokenizer = self.tokenizer
        parts = [
            sorted(tokenizer.get_vocab().items()),
            tokenizer.chat_template,
            [tokenizer.bos_token_id, tokenizer.eos_token_id, self.adds_bos],
            [plain_ids(tokenizer, text) for text in PROBES],
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """What a model is given before it answers: BOS if it has one, up to the open response.

        ParseError when a text among the messages would steer the model.
        """
        turns = [message.model_dump() for message in messages]
        text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer.encode(_unicode(text), add_special_tokens=False)
        answers = sum(message.role == "assistant" for message in messages)
        expected = self.adds_bos + answers * self._form.ends_each
        if sum(id_ in self.control for id_ in ids) != expected:
            raise ParseError(CONTROL)
        return ids

    def prompts(self, messages: Sequence[Message]) -> Iterator[list[int]]:
        """The prompt, then that without its first exchange, and so on to the last question."""
        left: Sequence[Message] | None = messages
        while left is not None:
            yield self.prompt(left)
            left = _without_first_exchange(left)

    def response(self, answer: str) -> list[int]:
        """The answer's ids and EOS; the answer alone never gives an id that steers the model."""
        text = self._form.gap + neutral(answer.strip(), self.rendering)
        ids = self._apart(text) if answer.strip() else []
        if not ids:
            raise ParseError("empty answer")
        if not self.control.isdisjoint(ids):
            raise ParseError(CONTROL)
        return [*ids, self.tokenizer.eos_token_id]

    def encode(self, messages: Sequence[Message], answer: str, limit: int) -> Encoded:
        """The prompt, the supervised answer and its EOS.

        Whole early exchanges are left out until it fits; ParseError when it is still too long, or
        when there is no answer.
        """
        response = self.response(answer)
        for lost, prompt in enumerate(self.prompts(messages)):
            if len(prompt) + len(response) <= limit:
                supervised = [False] * len(prompt) + [True] * len(response)
                return Encoded(prompt + response, supervised, ("prompt",) if lost else ())
        raise ParseError(f"longer than {limit} tokens")

    def _apart(self, text: str) -> list[int]:
        """Ids of a text that goes on from something else."""
        if not self._joins_words:
            return plain_ids(self.tokenizer, text)
        for mark in ANCHORS:
            anchor = plain_ids(self.tokenizer, mark)
            ids = plain_ids(self.tokenizer, mark + text)
            # a tokenizer may join the mark with what follows; then another mark must do
            if ids[: len(anchor)] == anchor:
                return ids[len(anchor) :]
        raise ParseError("cannot be tokenised apart")


def dress(tokenizer: Any, rendering: Rendering = "openbezoar") -> Any:
    """Give the tokenizer a rendering's template, and padding that does not end an answer."""
    tokenizer.chat_template = _template(tokenizer, rendering)
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        tokenizer.pad_token = _padding(tokenizer)
    return tokenizer


def plain_ids(tokenizer: Any, text: str) -> list[int]:
    """The ids of a text in which special tokens are words like others."""
    ids: list[int] = tokenizer.encode(
        _unicode(text), add_special_tokens=False, split_special_tokens=True
    )
    return ids


def _template(tokenizer: Any, rendering: Rendering) -> str:
    return chat_template(rendering, _adds_bos(tokenizer), _specials(tokenizer))


def _rendering(tokenizer: Any) -> Rendering:
    """The one whose template the tokenizer carries."""
    carried = tokenizer.chat_template
    return next((name for name in FORMS if carried == _template(tokenizer, name)), "openbezoar")


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ParseError("not Unicode text") from None
    return text


def _without_first_exchange(messages: Sequence[Message]) -> Sequence[Message] | None:
    system = [message for message in messages if message.role == "system"]
    turns = [message for message in messages if message.role != "system"]
    return [*system, *turns[2:]] if len(turns) > 2 else None


def _specials(tokenizer: Any) -> list[str]:
    added = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return list(dict.fromkeys([*tokenizer.all_special_tokens, *added]))


def _control(tokenizer: Any) -> frozenset[int]:
    ends = {tokenizer.bos_token_id, tokenizer.eos_token_id}
    ids = set(tokenizer.convert_tokens_to_ids(_specials(tokenizer)))
    return frozenset(ids - ({tokenizer.unk_token_id} - ends))


def _padding(tokenizer: Any) -> str | None:
    """A special token that does not end an answer; none where there is no such token."""
    known = [tokenizer.unk_token, tokenizer.bos_token, *_specials(tokenizer)]
    return next((token for token in known if token and token != tokenizer.eos_token), None)


def _adds_bos(tokenizer: Any) -> bool:
    ids = tokenizer.encode("a")
    return bool(ids) and tokenizer.bos_token_id is not None and ids[0] == tokenizer.bos_token_id


def _joins_words(tokenizer: Any) -> bool:
    """Whether the tokenizer puts a space before every text it is given, as SentencePiece does."""
    ids = plain_ids(tokenizer, "a") + plain_ids(tokenizer, "b")
    return bool(tokenizer.decode(ids).strip() != "ab")
