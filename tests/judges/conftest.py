"""Examples and a scorer for the judges' tests."""

from collections.abc import Callable
from typing import Any

import pytest

from openbezoar.records import Example, Message


def example(instruction: str, answer: str, **fields: Any) -> Example:
    messages = (
        Message(role="user", content=instruction),
        Message(role="assistant", content=answer),
    )
    return Example(id=fields.pop("id", "row"), messages=messages, **fields)


@pytest.fixture(name="example")
def _example() -> Callable[..., Example]:
    return example
