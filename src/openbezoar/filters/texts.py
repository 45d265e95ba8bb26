"""What a filter looks at in a row of any kind: what is asked, and the answer to learn from."""

from typing import Literal, NamedTuple

from openbezoar.records import Example, Message, Preference, Row, Seed

__all__ = ["Turn", "answer_of", "asked_in", "everything_in", "turns_of"]


def asked_in(row: Row) -> str:
    """The seed's prompt, or the last user turn."""
    match row:
        case Example():
            return row.instruction
        case Seed():
            return row.prompt
        case Preference():
            return row.prompt[-1].content
    raise TypeError(f"a filter cannot read a {type(row).__name__}")


def answer_of(row: Row) -> str | None:
    """The answer to learn from; None for a seed, which has none yet."""
    match row:
        case Example():
            return row.answer
        case Preference():
            return row.chosen
    return None


def everything_in(row: Row) -> str:
    """All that a model could learn from the row, its target and rejected answer included."""
    match row:
        case Example():
            return "\n".join([turn.content for turn in row.messages])
        case Seed():
            return "\n".join(filter(None, [row.prompt, row.target]))
        case Preference():
            turns = [turn.content for turn in row.prompt]
            return "\n".join([*turns, row.chosen, row.rejected])
    raise TypeError(f"a filter cannot read a {type(row).__name__}")


class Turn(NamedTuple):
    """One text of a row, and whether it asks or answers."""

    which: Literal["instruction", "answer"]
    text: str


def turns_of(row: Row) -> list[Turn]:
    """Every turn of the conversation that a row would be learned as; no system message."""
    match row:
        case Example():
            return _turns(row.messages)
        case Seed():
            return [Turn("instruction", row.prompt)]
        case Preference():
            return [*_turns(row.prompt), Turn("answer", row.chosen)]
    raise TypeError(f"a filter cannot read a {type(row).__name__}")


def _turns(messages: tuple[Message, ...]) -> list[Turn]:
    return [
        Turn("answer" if message.role == "assistant" else "instruction", message.content)
        for message in messages
        if message.role != "system"
    ]
