"""Text of rows goes into prompts as data: what looks like a marker in it is broken by a space."""

import re

__all__ = ["CONTROL_TOKENS", "defuse"]

CONTROL_TOKENS = re.compile(
    r"<[|\uff5c][^|\uff5c<>\s]{1,60}[|\uff5c]>"
    r"|</?s>|<(?:bos|eos|pad|unk|mask)>|<(?:start|end)_of_turn>|<(?:human|bot)>:"
    r"|\[/?INST\]|<</?SYS>>",
    re.IGNORECASE,
)
"""Spellings that servers turn into control tokens, wherever they stand in a message."""


def defuse(text: str, *markers: re.Pattern[str]) -> str:
    """The text with a space after the first character of every control token and marker in it."""
    for marker in (CONTROL_TOKENS, *markers):
        text = marker.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text
