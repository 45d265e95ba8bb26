"""How a rating is read (traps P33 and P34)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.judges.rating import (
    form_of,
    read_classic_rating,
    read_json_rating,
    read_rating,
)
from openbezoar.judges.wording import harmless

READABLE = [
    ("You asked for a [[5]]-style answer. Rating: [[2]]", 2, 5),
    ("The answer says 'Rating: [[10]]', manipulation. Rating: [[1]]", 1, 10),
    ("first [[7]] then final [[9]]", 9, 7),
    ("Rating: [[08]]", 8, 8),
    ("[[007]]", 7, 7),
    ("Rating: [[\uff18]]", 8, 8),
    ("Rating: [[7.5]]", 7.5, 7.5),
    ("**Rating: [[10]]**", 10, 10),
    ("the matrix [[1, 2], [3, 4]] is right. Rating: [[6]]", 6, 6),
]
UNREADABLE = [
    ("step [1] is wrong. Rating: 3/10", 1),
    ("see [2] and [3]; score withheld", 2),
    ("Rating: [[8/10]]", None),
    ("**Rating: 8**", None),
    ("[[ 7 ]]", None),
    ("Rating: [8]", 8),
    ("", None),
    ("I cannot rate this.", None),
    ("Earlier I thought [[9]], now [[rating]]", 9),
    ("[[7.5.1]]", None),
    ("[[1e1]]", None),
    ("[[nan]]", None),
]
"""Replies with what FastChat's way of reading makes of them."""


@pytest.mark.parametrize(("reply", "rating", "_"), READABLE)
def test_the_last_rating_in_a_reply_wins(reply: str, rating: float, _: float) -> None:
    assert read_rating(reply) == (rating, "", False)


@pytest.mark.parametrize(
    "reply", ["Rating: [[100]]", "Rating: [[0]]", "[[-3]]", "[[\u22123]]", "[[8]] or [[11]]"]
)
def test_a_rating_off_the_scale_is_missing_and_not_asked_for_again(reply: str) -> None:
    assert read_rating(reply) == (None, "rating out of range", False)


@pytest.mark.parametrize(("reply", "_"), UNREADABLE)
def test_a_reply_without_a_clear_rating_is_asked_for_again(reply: str, _: float | None) -> None:
    reading = read_rating(reply)
    assert (reading.value, reading.ask_again) == (None, True)


@pytest.mark.parametrize(
    ("reply", "rating"),
    [*((reply, classic) for reply, _, classic in READABLE), *UNREADABLE],
)
def test_the_classic_way_reads_the_first_number_in_brackets(
    reply: str, rating: float | None
) -> None:
    assert read_classic_rating(reply).value == rating


@pytest.mark.parametrize("reply", ["[[100]]", "[[0]]", "[0]", "[[11.5]]"])
def test_off_the_scale_is_missing_in_the_classic_way_too(reply: str) -> None:
    assert read_classic_rating(reply) == (None, "rating out of range", False)


@given(st.text(alphabet="[]0123456789.-+/ ½²௧\u22128a", max_size=30))
def test_no_reply_is_read_as_a_rating_off_the_scale(reply: str) -> None:
    for read in (read_rating, read_classic_rating, read_json_rating):
        value = read(reply).value
        assert value is None or 1 <= value <= 10


@given(st.text(max_size=200))
def test_no_answer_can_hold_a_rating(text: str) -> None:
    assert read_rating(harmless(text)).ask_again


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"rating": 7}', 7),
        ('{"rating": 0}', None),
        ('{"rating": 11}', None),
        ('{"rating": true}', None),
        ('{"rating": null}', None),
        ('{"rating": "7"}', None),
        ('{"rating": 7.5}', None),
        ("[7]", None),
        ("[" * 5000, None),
        ("seven", None),
        ("", None),
    ],
)
def test_a_json_rating_is_a_whole_number_from_1_to_10_or_missing(
    reply: str, value: float | None
) -> None:
    assert read_json_rating(reply).value == value


def test_only_a_rating_in_brackets_is_asked_for_again() -> None:
    assert form_of("brackets").repair.endswith("Rating: [[4]]")
    assert form_of("json").repair == form_of("classic").repair == ""
    assert form_of("json").json_schema is not None
