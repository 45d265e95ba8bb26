"""What a filter looks at in a row of any kind: what is asked, and the answer to learn from."""

from openbezoar.records import Example, Preference, Row, Seed

__all__ = ["answer_of", "asked_in"]


def asked_in(row: Row) -> str:
    """The seed's prompt, or the last user turn."""
    match row:
        case Seed():
            return row.prompt
        case Example():
            return row.instruction
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
