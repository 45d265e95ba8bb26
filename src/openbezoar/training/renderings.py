"""Three ways to write a conversation down, as chat templates; the sources disagree on HH-RLHF's.

A conversation of three turns, its answer `It is 2.`, in each of them. `raw` is the text of HH-RLHF
as it stands, as in the public fork that the authors trained with; only its last answer has an EOS:

    Human: Hi

    Assistant: Hello

    Human: Sum of 1 and 1?

    Assistant: It is 2.</s>

`openbezoar` is the format of the model cards, every answer with its EOS:

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
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

__all__ = ["DEFAULT_SYSTEM", "FORMS", "HEADERS", "Form", "Rendering", "chat_template", "neutral"]

Rendering = Literal["openbezoar", "raw", "context"]

DEFAULT_SYSTEM = (
    "Below is an instruction that describes a task, optionally paired with an input that provides "
    "further context following that instruction. Write a response that appropriately completes "
    "the request."
)
CONTINUE = (
    "The context is a conversation so far. Go on with it: write the assistant's next turn, no more."
)
HEADERS = {"system": "### System:", "user": "### Instruction:", "assistant": "### Response:"}
SPEAKERS = ("Human:", "Assistant:")


def neutral(text: str, rendering: Rendering = "openbezoar") -> str:
    """The text with a space before any line that would read as a mark of the rendering."""
    marks = "|".join(map(re.escape, FORMS[rendering].marks))
    return re.sub(rf"^(?={marks})", " ", text, flags=re.MULTILINE)


def chat_template(rendering: Rendering, with_bos: bool, specials: Iterable[str] = ()) -> str:
    """The rendering as a jinja chat template.

    In whatever is said it puts a space before a mark, as `neutral` does, and into what would read
    as one of the `specials`: `</s>` becomes `< /s>`.
    """
    form = FORMS[rendering]
    read = [f"\n{mark}" for mark in form.marks]
    read += sorted(specials, key=lambda text: (-len(text), text))
    clean = "".join(
        f" | replace('{_quoted(text)}', '{_quoted(f'{text[0]} {text[1:]}')}')" for text in read
    )
    said = f"(('\\n' + message['content'].strip()){clean})[1:]"
    return ("{{ bos_token }}" if with_bos else "") + form.template(said, clean)


def _openbezoar(said: str, clean: str) -> str:
    return (
        "{% set found = namespace(system='" + DEFAULT_SYSTEM + "') %}"
        "{% if messages[0]['role'] == 'system' and messages[0]['content'] %}"
        "{% set found.system = messages[0]['content'] %}{% endif %}"
        "{{ '### System:\\n' + ((('\\n' + found.system)" + clean + ")[1:]) + '\\n\\n' }}"
        "{% for message in messages %}"
        "{% set text = " + said + " %}"
        "{% if message['role'] == 'user' %}{{ '### Instruction:\\n' + text + '\\n\\n' }}"
        "{% elif message['role'] == 'assistant' %}"
        "{{ '### Response:\\n' + text + eos_token + '\\n\\n' }}{% endif %}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}"
    )


def _raw(said: str, clean: str) -> str:
    return (
        "{% for message in messages %}"
        "{% set text = " + said + " %}"
        "{% if message['role'] == 'system' %}{{ text }}"
        "{% elif message['role'] == 'user' %}{{ '\\n\\nHuman: ' + text }}"
        "{% else %}{{ '\\n\\nAssistant: ' + text }}"
        "{% if loop.last %}{{ eos_token }}{% endif %}{% endif %}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '\\n\\nAssistant:' }}{% endif %}"
    )


def _context(said: str, clean: str) -> str:
    system = f"'{_quoted(CONTINUE)}'"
    return (
        "{% set found = namespace(system=" + system + ", lines='', answer='') %}"
        "{% for message in messages %}"
        "{% set text = " + said + " %}"
        "{% if message['role'] == 'system' %}{% if text %}"
        "{% set found.system = text + '\\n' + " + system + " %}{% endif %}"
        "{% elif message['role'] == 'user' %}"
        "{% set found.lines = found.lines + 'Human: ' + text + '\\n' %}"
        "{% elif loop.last %}{% set found.answer = text + eos_token %}"
        "{% else %}{% set found.lines = found.lines + 'Assistant: ' + text + '\\n' %}{% endif %}"
        "{% endfor %}"
        "{{ '### System:\\n' + found.system + '\\n\\n### Context:\\n' + found.lines + '\\n' }}"
        "{% if add_generation_prompt or found.answer %}{{ '### Response:\\n' + found.answer }}"
        "{% endif %}"
    )


class Form(NamedTuple):
    """What tells a rendering from the others."""

    template: Callable[[str, str], str]
    """Its jinja template, given how a message is said and the filters that clean other text."""
    marks: tuple[str, ...]
    """What begins a line that is not text."""
    gap: str = ""
    """What stands between the open turn of the assistant and the answer."""
    ends_each: bool = False
    """Whether earlier answers have an EOS, too."""


FORMS: dict[Rendering, Form] = {
    "openbezoar": Form(_openbezoar, tuple(HEADERS.values()), ends_each=True),
    "raw": Form(_raw, SPEAKERS, gap=" "),
    "context": Form(_context, (*SPEAKERS, "### System:", "### Context:", "### Response:")),
}


def _quoted(text: str) -> str:
    """The text as it stands between quotes in a template."""
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
