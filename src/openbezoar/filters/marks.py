"""What templates, lists and broken encodings leave in a text, as pure functions."""

import re
from typing import NamedTuple

__all__ = ["Mark", "marker", "numbering", "open_fence", "speaker", "wrong_character"]

SHOWN = 80
"""Characters of what was found that are quoted."""


class Mark(NamedTuple):
    """What is left over in a text: its kind, and how it reads there."""

    kind: str
    found: str


def marker(text: str) -> Mark | None:
    """The first marker of a chat template or of a prompt that makes rows."""
    if not any(map(text.__contains__, _OPENERS)):
        return None
    return _first(_MARKER, text)


def speaker(text: str) -> Mark | None:
    """A label that says who speaks, where an answer begins or after an empty line in it."""
    found = _SPEAKER_FIRST.match(text) or _SPEAKER_NEXT.search(text)
    return Mark("another speaker", found[0].strip()) if found else None


def numbering(text: str) -> Mark | None:
    """The number or the label that an instruction had in a list, unless it is a list itself."""
    found = _NUMBERED.match(text)
    if found is None:
        return None
    number = found["number"]
    another = re.escape(str(int(number) + 1)) if number else re.escape(found[0].strip())
    if re.search(rf"\n\s*\(?{another}", text):
        return None
    return Mark("list numbering", found[0].strip())


def open_fence(text: str) -> Mark | None:
    """A code fence that is opened and never closed."""
    return Mark("open code fence", "```") if text.count("```") % 2 else None


def wrong_character(text: str) -> Mark | None:
    """A control character, a stand-in for a lost one, or UTF-8 that was read as Latin-1."""
    if text.isascii() and not text.encode("ascii").translate(None, _SOUND):
        return None
    return _first(_CHARACTER, text)


# What is looked for begins with one of few characters, so that a search skips to the next of them;
# most texts have none of these, which is told in a tenth of the time.
_OPENERS = "<[#{"
_MARKER = re.compile(
    r"""[<\[\#{](?:
    (?P<control_token>(?<=<)(?:[|\uff5c][^|\uff5c<>\s]{1,60}[|\uff5c]>|(?:bos|eos|pad|unk|mask)>|
        (?:start|end)_of_turn>|(?:human|bot)>:|</?SYS>>|/s>\s*\Z)|(?<=\[)/?INST\])|
    (?P<example_tag>(?<=<)/?examples?>)|
    (?P<prompt_tag>(?<=<)/?
        (?:(?:first|second)_prompt|user-question|(?:assistant|reference)-answer)>)|
    (?P<section_header>(?<=\#)\#{1,3}[ ]?
        (?:System|Instruction|Input|Response|Human|User|Assistant):)|
    (?P<prompt_label>(?<=\#)[^#\n]{0,24}\bprompts?\s*\#)|
    (?P<unfilled_field>(?<=\{)\{-?\s*
        (?:instruction|input|response|output|prompt|system|given)\b))
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SPEAKER = r"(?:Human|User|Assistant|AI|Bot|Chatbot):"
_SPEAKER_FIRST = re.compile(rf"\s*{_SPEAKER}")
_SPEAKER_NEXT = re.compile(rf"\n[^\S\n]*\n{_SPEAKER}")
_NUMBERED = re.compile(
    r"\s*(?:\(?(?P<number>\d{1,2})[.)]|[-*\u2022]|(?:example|instruction|prompt)\s*\#?\d{0,2}:)\s",
    re.IGNORECASE,
)
_SOUND = b"\t\n\r" + bytes(range(32, 127))
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_CHARACTER = re.compile(
    f"[{_CONTROL}\ufffd\ud800-\udfff\u00c2\u00c3\u00e2\u00ef]"
    f"(?:(?P<control_character>(?<=[{_CONTROL}]))|"
    "(?P<replacement_character>(?<=[\ufffd\ud800-\udfff]))|"
    "(?P<mojibake>(?<=[\u00c2\u00c3])[\u00a0-\u00bf]|(?<=\u00e2)[\u20ac\x80]|(?<=\u00ef)\u00bb\u00bf))"
)


def _first(pattern: re.Pattern[str], text: str) -> Mark | None:
    found = pattern.search(text)
    if found is None:
        return None
    return Mark(str(found.lastgroup).replace("_", " "), found[0][:SHOWN])
