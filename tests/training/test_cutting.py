"""Prompts are cut at a turn from the left, answers from the right, both sides of a pair alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from openbezoar.errors import ParseError
from openbezoar.records import Preference
from openbezoar.training.cutting import cut, encode_pair
from openbezoar.training.format import Format
from tests.conftest import turns

WHOLE, SHORTER, LAST = [1] * 9, [1] * 6, [1] * 3
"""A prompt, and what is left of it without one exchange and without two."""


@pytest.mark.parametrize(
    ("answers", "prompt", "kept", "told"),
    [
        ((7, 7), 9, (7, 7), (False, False, False)),
        ((7, 8), 6, (7, 8), (True, False, False)),
        ((2, 10), 6, (2, 10), (True, False, False)),
        ((2, 13), 3, (2, 13), (True, False, False)),
        ((2, 14), 3, (2, 13), (True, False, True)),
        ((20, 30), 3, (13, 13), (True, True, True)),
    ],
)
def test_sixteen_tokens_hold_what_is_left_after_cutting(
    answers: tuple[int, int], prompt: int, kept: tuple[int, int], told: tuple[bool, bool, bool]
) -> None:
    """With a prompt of at most 5 tokens where answers must be cut."""
    whole = [[2] * length for length in answers]
    found = cut([WHOLE, SHORTER, LAST], whole, limit=16, prompt_limit=5)
    assert (len(found.prompt), tuple(map(len, found.answers))) == (prompt, kept)
    assert (found.prompt_was_cut, *found.answers_cut) == told


def test_a_prompt_within_its_limit_keeps_its_turns_and_the_answers_give_way() -> None:
    """As in the authors' code: 256 of 512 for the prompt, the rest for the answer."""
    found = cut([WHOLE, SHORTER], [[2] * 20], limit=16, prompt_limit=9)
    assert (len(found.prompt), len(found.answers[0]), found.prompt_was_cut) == (9, 7, False)


def test_a_last_question_over_the_limit_is_refused() -> None:
    with pytest.raises(ParseError, match="prompt alone longer than 2 tokens"):
        cut([WHOLE, LAST], [[2] * 14], limit=16, prompt_limit=2)


@given(
    some.lists(some.integers(1, 30), min_size=1, max_size=5),
    some.lists(some.integers(1, 40), min_size=1, max_size=3),
    some.integers(2, 40),
    some.integers(1, 39),
)
def test_whatever_comes_out_fits_and_is_the_beginning_of_what_went_in(
    prompts: list[int], answers: list[int], limit: int, most: int
) -> None:
    lengths, most = sorted(prompts, reverse=True), min(most, limit - 1)
    whole = [list(range(length)) for length in answers]
    try:
        found = cut([[0] * length for length in lengths], whole, limit, most)
    except ParseError:
        assert lengths[-1] > most
        assert lengths[-1] + max(answers) > limit
        return
    for answer, uncut, was_cut in zip(found.answers, whole, found.answers_cut, strict=True):
        assert 0 < len(answer) <= limit - len(found.prompt)
        assert answer == uncut[: len(answer)]
        assert was_cut == (len(answer) < len(uncut))


def pair(chosen: str, rejected: str, *asked: str) -> Preference:
    return Preference(id="a", prompt=turns(*(asked or ("Hi",))), chosen=chosen, rejected=rejected)


def test_a_cut_answer_has_no_eos_and_one_that_fits_has(format_: Format) -> None:
    prompt = len(format_.prompt(turns("Hi")))
    chosen, rejected = encode_pair(pair("Yes.", "x" * 99), format_, prompt + 20, prompt)
    assert format_.tokenizer.decode(chosen.ids[prompt:]) == "Yes.</s>"
    assert format_.tokenizer.decode(rejected.ids[prompt:]) == "x" * 20
    assert (chosen.cut, rejected.cut) == ((), ("answer",))
    assert sum(rejected.supervised) == 20


def test_both_answers_follow_one_prompt_though_one_alone_would_leave_it_whole(
    format_: Format,
) -> None:
    asked = ("First" * 20, "Answer" * 20, "Second")
    limit = len(format_.encode(turns(*asked), "Yes.", 2048).ids)
    sequences = encode_pair(pair("Yes.", "No, never.", *asked), format_, limit)
    prompt = format_.prompt(turns("Second"))
    assert [sequence.ids[: len(prompt)] for sequence in sequences] == [prompt, prompt]
    assert [sequence.cut for sequence in sequences] == [("prompt",), ("prompt",)]


def test_a_pair_that_cutting_made_equal_is_refused(format_: Format) -> None:
    prompt = len(format_.prompt(turns("Hi")))
    with pytest.raises(ParseError, match="answers are the same tokens after cutting"):
        encode_pair(pair("x" * 50 + "a", "x" * 50 + "b"), format_, prompt + 50, prompt)


def test_a_pair_whose_prompt_alone_is_too_long_is_refused(format_: Format) -> None:
    with pytest.raises(ParseError, match="prompt alone longer than 200 tokens"):
        encode_pair(pair("Yes.", "No.", "why " * 300), format_, 400)


def test_an_empty_answer_is_refused(format_: Format) -> None:
    with pytest.raises(ParseError, match="empty answer"):
        encode_pair(pair("Yes.", " "), format_, 400)


def test_a_pair_that_fits_is_two_conversations(format_: Format) -> None:
    chosen, rejected = encode_pair(pair("Yes.", "No.", "Hi", "Hello", "So?"), format_, 2048)
    asked = turns("Hi", "Hello", "So?")
    whole = (format_.encode(asked, "Yes.", 2048), format_.encode(asked, "No.", 2048))
    assert (chosen, rejected) == whole
    assert (chosen.cut, rejected.cut) == ((), ())
