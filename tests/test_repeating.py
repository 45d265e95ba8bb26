"""Texts that say again what they said."""

import pytest

from openbezoar.repeating import repeated


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", None),
        ("only three words", None),
        ("four words said once", 0.0),
        ("a b c d a b c d", 0.2),
        ("no no no no no no no", 0.75),
    ],
)
def test_the_share_of_spans_said_before(text: str, share: float | None) -> None:
    """`a b c d a b c d` has the spans abcd bcda cdab dabc abcd: one of five was said before."""
    assert repeated(text.split()) == (None if share is None else pytest.approx(share))
