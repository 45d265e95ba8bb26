"""Conversations as token ids with a loss mask, in the OpenBezoar chat format.

The format is the tokenizer's own chat template (model card of OpenBezoar-SFT), and a prompt is
what that template renders: whoever loads the tokenizer asks with the very ids of the training. An
answer is tokenised by itself, never as a part of something longer, so that the mask is a count.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openbezoar.errors import ConfigError, ParseError
from openbezoar.records import Message

__all__ = [
    "DEFAULT_SYSTEM",
    "HEADERS",
    "PROBES",
    "Encoded",
    "Format",
    "chat_template",
    "dress",
    "neutral",
    "plain_ids",
]

DEFAULT_SYSTEM = (
    "Below is an instruction that describes a task, optionally paired with an input that provides "
    "further context following that instruction. Write a response that appropriately completes "
    "the request."
)
ANCHORS = ("\n", "a", "#", "1", "é")
"""Text put before an answer, and cut off again, so that it gets no space of its own."""
HEADERS = {"system": "### System:", "user": "### Instruction:", "assistant": "### Response:"}
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
    exchanges_lost: int = field(default=0, compare=False)
    """How many early exchanges were left out to make it fit."""

    @property
    def answer_tokens(self) -> int:
        """How many tokens are learned; the first token of a sequence can never be predicted."""
        return sum(self.supervised[1:])


class Format:
    """Encodes conversations with one tokenizer, by the chat template it carries."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.adds_bos = _adds_bos(tokenizer)
        self.control = _control(tokenizer)
        """The ids that steer a model: all special ones but the sign for what is unknown."""
        self._joins_words = _joins_words(tokenizer)

    @classmethod
    def load(cls, folder: Path) -> "Format":
        """Read a folder's tokenizer, with the chat template it carries."""
        from openbezoar.training.tokenizer import load_tokenizer

        return cls(load_tokenizer(folder))

    @classmethod
    def for_training(cls, folder: Path) -> "Format":
        """Read a model's tokenizer and give it the OpenBezoar template and a padding token."""
        format_ = cls.load(folder)
        if format_.tokenizer.eos_token_id is None:
            raise ConfigError(f"{folder}: the tokenizer has no EOS token, so no answer could end")
        dress(format_.tokenizer)
        return format_

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
        if sum(id_ in self.control for id_ in ids) != self.adds_bos + answers:
            raise ParseError(CONTROL)
        return ids

    def encode(self, messages: Sequence[Message], answer: str, limit: int) -> Encoded:
        """The prompt, the supervised answer and its EOS; raises and leaves out as below."""
        return self.encode_answers(messages, (answer,), limit)[0]

    def encode_answers(
        self, messages: Sequence[Message], answers: Sequence[str], limit: int
    ) -> tuple[Encoded, ...]:
        """One sequence for each answer, all after the same prompt.

        Whole early exchanges are left out until the longest fits; ParseError when it is still too
        long, or when there is no answer.
        """
        responses = [self._response(answer) for answer in answers]
        room = limit - max(map(len, responses))
        lost = 0
        while len(prompt := self.prompt(messages)) > room:
            if (shorter := _without_first_exchange(messages)) is None:
                raise ParseError(f"longer than {limit} tokens")
            messages, lost = shorter, lost + 1
        masked = [False] * len(prompt)
        return tuple(
            Encoded(prompt + response, masked + [True] * len(response), lost)
            for response in responses
        )

    def _response(self, answer: str) -> list[int]:
        """The answer's ids and EOS; the answer alone never gives an id that steers the model."""
        ids = self._apart(neutral(answer.strip())) if answer.strip() else []
        if not ids:
            raise ParseError("empty answer")
        if not self.control.isdisjoint(ids):
            raise ParseError(CONTROL)
        return [*ids, self.tokenizer.eos_token_id]

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


def dress(tokenizer: Any) -> Any:
    """Give the tokenizer the OpenBezoar template, and padding that does not end an answer."""
    tokenizer.chat_template = chat_template(_adds_bos(tokenizer), _specials(tokenizer))
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        tokenizer.pad_token = _padding(tokenizer)
    return tokenizer


def plain_ids(tokenizer: Any, text: str) -> list[int]:
    """The ids of a text in which special tokens are words like others."""
    ids: list[int] = tokenizer.encode(
        _unicode(text), add_special_tokens=False, split_special_tokens=True
    )
    return ids


def neutral(text: str) -> str:
    """The text with a space before any line that would read as a header of the format."""
    lines = text.split("\n")
    headers = tuple(HEADERS.values())
    return "\n".join(" " + line if line.startswith(headers) else line for line in lines)


def chat_template(with_bos: bool, specials: Iterable[str] = ()) -> str:
    """The OpenBezoar format as a jinja chat template.

    In what people and earlier answers say it puts a space before a header, as `neutral` does, and
    into what would read as one of the `specials`: `</s>` becomes `< /s>`.
    """
    read = [f"\n{header}" for header in HEADERS.values()]
    read += sorted(specials, key=len, reverse=True)
    clean = "".join(
        f" | replace('{_quoted(text)}', '{_quoted(f'{text[0]} {text[1:]}')}')" for text in read
    )
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


def _quoted(text: str) -> str:
    """The text as it stands between quotes in a template."""
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")


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
