"""Two more ways to write a conversation down; the sources disagree which one HH-RLHF was given in.

A conversation of three turns, its answer `It is 2.`, in each of them. `raw` is the text of HH-RLHF
as it stands, as in the public fork that the authors trained with; only its last answer has an EOS:

    Human: Hi

    Assistant: Hello

    Human: Sum of 1 and 1?

    Assistant: It is 2.</s>

`openbezoar` is the format of the model cards, every answer with its EOS (`training/format.py`):

    ### System:
    Below is an instruction that describes a task, ...

    ### Instruction:
    Hi

    ### Response:
    Hello</s>

    ### Instruction:
    Sum of 1 and 1?

    ### Response:
    It is 2.</s>

`context` has the shape of the wrapper that the authors measured MT-Bench in, in our words:

    ### System:
    The context is a conversation so far. Go on with it: write the assistant's next turn, no more.

    ### Context:
    Human: Hi
    Assistant: Hello
    Human: Sum of 1 and 1?

    ### Response:
    It is 2.</s>
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from openbezoar.records import Message

__all__ = ["CONTEXT", "RAW", "Form", "Rendering"]

Rendering = Literal["openbezoar", "raw", "context"]

CONTINUE = (
    "The context is a conversation so far. Go on with it: write the assistant's next turn, no more."
)
_NAMES = {"user": "Human", "assistant": "Assistant"}
_SPEAKERS = ("Human:", "Assistant:")
_HEADERS = ("### System:", "### Context:", "### Response:")


class Form(NamedTuple):
    """A rendering, in the pieces that are tokenised apart and as a chat template."""

    pieces: Callable[[Sequence[Message]], list[tuple[str, bool]]]
    """The text up to where the answer begins, cut where an EOS follows (True)."""
    answer: Callable[[str], str]
    """The answer as it stands before its EOS."""
    template: Callable[[bool], str]
    """The same as a jinja chat template, given whether it writes a BOS."""


def _raw_pieces(messages: Sequence[Message]) -> list[tuple[str, bool]]:
    text = ""
    for message in messages:
        content = _apart(message.content.strip(), _SPEAKERS)
        text += content if message.role == "system" else f"\n\n{_NAMES[message.role]}: {content}"
    return [(f"{text}\n\nAssistant:", False)]


def _raw_answer(answer: str) -> str:
    return f" {_apart(answer.strip(), _SPEAKERS)}"


def _raw_template(with_bos: bool) -> str:
    return (
        ("{{ bos_token }}" if with_bos else "") + "{% for message in messages %}"
        f"{{% set text = {_cleaned(_SPEAKERS)} %}}"
        "{% if message['role'] == 'system' %}{{ text }}"
        "{% elif message['role'] == 'user' %}{{ '\\n\\nHuman: ' + text }}"
        "{% else %}{{ '\\n\\nAssistant: ' + text }}"
        "{% if loop.last %}{{ eos_token }}{% endif %}{% endif %}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '\\n\\nAssistant:' }}{% endif %}"
    )


def _context_pieces(messages: Sequence[Message]) -> list[tuple[str, bool]]:
    system, lines = CONTINUE, ""
    for message in messages:
        content = _apart(message.content.strip(), (*_SPEAKERS, *_HEADERS))
        if message.role != "system":
            lines += f"{_NAMES[message.role]}: {content}\n"
        elif content:
            system = f"{content}\n{CONTINUE}"
    text = f"### System:\n{system}\n\n### Context:\n{lines}\n### Response:\n"
    return [(text, False)]


def _context_answer(answer: str) -> str:
    return _apart(answer.strip(), (*_SPEAKERS, *_HEADERS))


def _context_template(with_bos: bool) -> str:
    marks = (*_SPEAKERS, *_HEADERS)
    return (
        ("{{ bos_token }}" if with_bos else "")
        + f"{{% set found = namespace(system={CONTINUE!r}, lines='', answer='') %}}"
        "{% for message in messages %}"
        f"{{% set text = {_cleaned(marks)} %}}"
        "{% if message['role'] == 'system' %}{% if text %}"
        f"{{% set found.system = text + '\\n' + {CONTINUE!r} %}}{{% endif %}}"
        "{% elif message['role'] == 'user' %}"
        "{% set found.lines = found.lines + 'Human: ' + text + '\\n' %}"
        "{% elif loop.last %}{% set found.answer = text + eos_token %}"
        "{% else %}{% set found.lines = found.lines + 'Assistant: ' + text + '\\n' %}{% endif %}"
        "{% endfor %}"
        "{{ '### System:\\n' + found.system + '\\n\\n### Context:\\n' + found.lines + '\\n' }}"
        "{% if add_generation_prompt or found.answer %}{{ '### Response:\\n' + found.answer }}"
        "{% endif %}"
    )


def _apart(text: str, marks: Sequence[str]) -> str:
    """The text with a space before any line that would read as one of the marks."""
    found = "|".join(map(re.escape, marks))
    return re.sub(rf"^(?={found})", " ", text, flags=re.MULTILINE)


def _cleaned(marks: Sequence[str]) -> str:
    """What `_apart` makes of a message, as a jinja expression."""
    clean = "".join(f" | replace('\\n{mark}', '\\n {mark}')" for mark in marks)
    return f"(('\\n' + message['content'].strip()){clean})[1:]"


RAW = Form(_raw_pieces, _raw_answer, _raw_template)
CONTEXT = Form(_context_pieces, _context_answer, _context_template)
