"""The desk shows one row after the other, without a word of the judge's."""

from collections.abc import Callable

from openbezoar.calibration.desk import Desk
from openbezoar.records import Example, Message

Make = Callable[..., Desk]


def test_the_next_open_row_is_looked_for_from_here_and_then_from_the_start(desk: Make) -> None:
    held = desk()
    assert held.answer(1, "accept") == 2
    assert held.answer(2, "reject") == 0
    assert held.answer(0, "skip") is None
    assert held.view(None).answered == 3


def test_a_view_holds_a_rows_texts_and_what_was_said_of_it(desk: Make) -> None:
    held = desk()
    held.answer(0, "accept")
    view = held.view(0)
    assert (view.stage, view.total, view.answered, view.answer) == ("kept", 3, 1, "accept")
    assert view.texts == [("user", "Why is that?"), ("answer", "Answer 0.")]


def test_every_turn_and_the_known_answer_are_shown_with_control_characters_visible(
    desk: Make,
) -> None:
    words = ["Be brief.", "Hi", "Hello", "2 + 2?\r\n\tQuickly\x1b[2J", "Four\u202e"]
    roles = ["system", "user", "assistant", "user", "assistant"]
    turns = [
        Message.model_validate({"role": role, "content": text})
        for role, text in zip(roles, words, strict=True)
    ]
    view = desk(Example(id="x\n", messages=tuple(turns), target="4")).view(0)
    assert view.texts == [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "2 + 2?\n\tQuickly\\x1b[2J"),
        ("answer", "Four\\u202e"),
        ("known right answer", "4"),
    ]


def test_arrows_stop_at_the_ends(desk: Make) -> None:
    held = desk()
    assert [held.beside(place, -1) for place in (2, 0, None)] == [1, 0, 2]
    assert [held.beside(place, 1) for place in (0, 2, None)] == [1, 2, None]


def test_undo_goes_back_to_the_row_or_stays_where_it_is(desk: Make) -> None:
    held = desk()
    assert held.undo(2) == 2
    held.answer(0, "accept")
    assert held.undo(None) == 0
    held.answer(1, "accept")
    other = desk(held.rows[0])
    assert other.undo(0) == 0, "the row taken back is not on this desk"
    assert desk().view(1).answer is None
