"""Every item is looked for by words that can be told from other texts, or counted as not."""

import pytest

from openbezoar.families import Item
from openbezoar.filters.items.overlap import Rule
from openbezoar.filters.items.sought import choose

RULE = Rule(ngram=4, boilerplate=2, score=0.65, short_score=0.85, short_words=16)


def texts_of(*items: Item) -> list[str]:
    return [" ".join(text.words) for text in choose(items, RULE, 6).texts]


def item(*texts: str, id: str = "1", answer: str = "", choices: tuple[str, ...] = ()) -> Item:
    return Item("task", id, texts, answer, choices)


@pytest.mark.parametrize(
    ("given", "looked_for"),
    [
        (item("One two three four five six?"), ["one two three four five six"]),
        (
            item("A passage of just so many words.", "And then one question about it?"),
            ["a passage of just so many words", "and then one question about it"],
        ),
        (item("A passage of just so many words.", "Why?"), ["a passage of just so many words"]),
        (item("Plants need", answer="light and water"), ["plants need light and water"]),
        (
            item("Plants need", answer="light", choices=("light", "socks", "a song")),
            ["plants need light socks a song"],
        ),
        (
            item("It got dark", answer="we slept", choices=("we ate", "we slept")),
            ["it got dark we slept", "it got dark we ate we slept"],
        ),
    ],
    ids=["long", "two texts", "one long enough", "with answer", "with choices", "with both"],
)
def test_a_short_text_is_joined_by_the_answer_or_the_choices(
    given: Item, looked_for: list[str]
) -> None:
    assert texts_of(given) == looked_for


def test_a_text_that_is_mostly_boilerplate_is_joined_by_the_answer() -> None:
    items = [
        item("Which of the following statements is true?", id=name, answer=f"{name} is {name}")
        for name in ("ice", "wax", "tin")
    ]
    others = [
        item(f"Which of the following statements is true of {name} and {name}?", id=f"of {name}")
        for name in ("gold", "jade")
    ]
    found = texts_of(*items, *others)
    assert "which of the following statements is true ice is ice" in found
    assert "which of the following statements is true" not in found


def test_items_that_share_a_text_share_its_search() -> None:
    first, second = (item("One two three four five six?", id=name) for name in "ab")
    (text,) = choose([first, second], RULE, 6).texts
    assert text.items == (("task", "a"), ("task", "b"))


def test_what_cannot_be_told_from_other_text_is_counted_and_not_looked_for() -> None:
    wanted = choose([item("Yes?", answer="No"), item("One two three four five six?")], RULE, 6)
    assert len(wanted.texts) == 1
    assert wanted.items == {"task": 2}
    assert wanted.unsearchable == {"task": 1}
