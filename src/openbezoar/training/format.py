"""Conversations as token ids with a loss mask, in the OpenBezoar chat format.

The format is the tokenizer's own chat template (model card of OpenBezoar-SFT, or another of
`renderings.py`), so that whoever loads the tokenizer renders alike. Text is tokenised piece by
piece, never as a prefix of something longer: what the model is trained on is exactly what it is
given when it answers.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openbezoar.errors import ConfigError, ParseError
from openbezoar.records import Message
from openbezoar.training.renderings import CONTEXT, RAW, Form, Rendering

__all__ = ["DEFAULT_SYSTEM", "Encoded", "Format", "chat_template", "neutral"]

DEFAULT_SYSTEM = (
    "Below is an instruction that describes a task, optionally paired with an input that provides "
    "further context following that instruction. Write a response that appropriately completes "
    "the request."
)
ANCHORS = ("\n", "a", "#", "1", "é")
"""Text put before a piece, and cut off again, so that the piece gets no space of its own."""
HEADERS = {"system": "### System:", "user": "### Instruction:", "assistant": "### Response:"}


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
    """Encodes conversations with one tokenizer, in the rendering of its chat template.

    A tokenizer with a template of another kind, such as a base model's, encodes as `openbezoar`.
    """

    def __init__(self, tokenizer: Any, rendering: Rendering | None = None) -> None:
        self.tokenizer = tokenizer
        self._adds_bos = _adds_bos(tokenizer)
        self._joins_words = _joins_words(tokenizer)
        self.rendering = rendering or self._rendering()
        self._form = FORMS[self.rendering]

    @classmethod
    def load(cls, folder: Path, rendering: Rendering | None = None) -> "Format":
        """Read a folder's tokenizer, with the chat template it carries."""
        from transformers import AutoTokenizer

        return cls(AutoTokenizer.from_pretrained(str(folder)), rendering)

    @classmethod
    def for_training(cls, folder: Path, rendering: Rendering = "openbezoar") -> "Format":
        """Read a tokenizer and give it the rendering's template and a padding token."""
        format_ = cls.load(folder, rendering)
        tokenizer = format_.tokenizer
        if tokenizer.eos_token_id is None:
            raise ConfigError(f"{folder}: the tokenizer has no EOS token, so no answer could end")
        tokenizer.chat_template = format_._form.template(format_._adds_bos)
        if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
            tokenizer.pad_token = _padding(tokenizer)
        return format_

    @property
    def fingerprint(self) -> str:
        """Changes with the vocabulary or the template."""
        vocabulary = sorted(self.tokenizer.get_vocab().items())
        parts = json.dumps([vocabulary, self.tokenizer.chat_template])
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """What a model is given before it answers: BOS if it has one, up to the open response."""
        ids = [self.tokenizer.bos_token_id] if self._adds_bos else []
        for place, (text, ends) in enumerate(self._form.pieces(messages)):
            ids += self._ids(text, first=place == 0)
            if ends:
                ids.append(self.tokenizer.eos_token_id)
        return ids

    def encode(self, messages: Sequence[Message], answer: str, limit: int) -> Encoded:
        """The prompt, the supervised answer and its EOS.

        Whole early turns are left out until the row fits; ParseError when it is still too long,
        or when there is no answer.
        """
        response = self.response(answer)
        for cut, prompt in enumerate(self.prompts(messages)):
            if len(prompt) + len(response) <= limit:
                learned = [False] * len(prompt) + [True] * len(response)
                return Encoded(prompt + response, learned, ("prompt",) if cut else ())
        raise ParseError(f"longer than {limit} tokens")

    def response(self, answer: str) -> list[int]:
        """An answer with its EOS; ParseError when it is empty."""
        if not answer.strip():
            raise ParseError("empty answer")
        ids = self._ids(self._form.answer(answer), first=False)
        return [*ids, self.tokenizer.eos_token_id]

    def prompts(self, messages: Sequence[Message]) -> Iterator[list[int]]:
        """The prompt, then that without its first exchange, and so on to the last question."""
        left: Sequence[Message] | None = messages
        while left is not None:
            yield self.prompt(left)
            left = _without_first_exchange(left)

    def _rendering(self) -> Rendering:
        """The rendering whose template the tokenizer carries."""
        for name, form in FORMS.items():
            if self.tokenizer.chat_template == form.template(self._adds_bos):
                return name
        return "openbezoar"

    def _ids(self, text: str, first: bool) -> list[int]:
        """Ids of a piece of text: no special tokens, whatever the text says."""
        if first or not self._joins_words:
            return _plain_ids(self.tokenizer, text)
        for mark in ANCHORS:
            anchor = _plain_ids(self.tokenizer, mark)
            ids = _plain_ids(self.tokenizer, mark + text)
            # a tokenizer may join the mark with what follows; then another mark must do
            if ids[: len(anchor)] == anchor:
                return ids[len(anchor) :]
        raise ParseError("cannot be tokenised apart")


def neutral(text: str) -> str:
    """The text with a space before any line that would read as a header of the format."""
    lines = text.split("\n")
    headers = tuple(HEADERS.values())
    return "\n".join(" " + line if line.startswith(headers) else line for line in lines)


def chat_template(with_bos: bool) -> str:
    """The OpenBezoar format as a jinja chat template; it neutralises headers as `neutral` does."""
    clean = "".join(f" | replace('\\n{header}', '\\n {header}')" for header in HEADERS.values())
    return (
        ("{{ bos_token }}" if with_bos else "")
        + "{% set found = namespace(system='"
        + DEFAULT_SYSTEM
        + "') %}"
        "{% if messages[0]['role'] == 'system' and messages[0]['content'] %}"
        "{% set found.system = messages[0]['content'] %}{% endif %}"
        "{{ '### System:\\n' + ((('\\n' + found.system)" + clean + ")[1:]) + '\\n\\n' }}"
        "{% for message in messages %}"
        "{% set text = (('\\n' + message['content'].strip())" + clean + ")[1:] %}"
        "{% if message['role'] == 'user' %}{{ '### Instruction:\\n' + text + '\\n\\n' }}"
        "{% elif message['role'] == 'assistant' %}"
        "{{ '### Response:\\n' + text + eos_token + '\\n\\n' }}{% endif %}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}"
    )


def _pieces(messages: Sequence[Message]) -> list[tuple[str, bool]]:
    """The text up to the open response, cut after every answer; True where an EOS follows."""
    given = messages[0].content if messages and messages[0].role == "system" else ""
    text = f"{HEADERS['system']}\n{neutral(given or DEFAULT_SYSTEM)}\n\n"
    pieces = []
    for message in messages:
        content = neutral(message.content.strip())
        if message.role == "user":
            text += f"{HEADERS['user']}\n{content}\n\n"
        elif message.role == "assistant":
            pieces += [(f"{text}{HEADERS['assistant']}\n", False), (content, True)]
            text = "\n\n"
    return [*pieces, (f"{text}{HEADERS['assistant']}\n", False)]


def _without_first_exchange(messages: Sequence[Message]) -> Sequence[Message] | None:
    system = [message for message in messages if message.role == "system"]
    turns = [message for message in messages if message.role != "system"]
    return [*system, *turns[2:]] if len(turns) > 2 else None


def _answer(answer: str) -> str:
    return neutral(answer.strip())


FORMS: dict[Rendering, Form] = {
    "openbezoar": Form(_pieces, _answer, chat_template),
    "raw": RAW,
    "context": CONTEXT,
}


def _plain_ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    return ids


def _padding(tokenizer: Any) -> str | None:
    """A special token that does not end an answer; none where there is no such token."""
    known = [tokenizer.unk_token, tokenizer.bos_token, *tokenizer.all_special_tokens]
    known += [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return next((token for token in known if token and token != tokenizer.eos_token), None)


def _adds_bos(tokenizer: Any) -> bool:
    ids = tokenizer.encode("a")
    return bool(ids) and tokenizer.bos_token_id is not None and ids[0] == tokenizer.bos_token_id


def _joins_words(tokenizer: Any) -> bool:
    """Whether the tokenizer puts a space before every text it is given, as SentencePiece does."""
    ids = _plain_ids(tokenizer, "a") + _plain_ids(tokenizer, "b")
    return bool(tokenizer.decode(ids).strip() != "ab")
