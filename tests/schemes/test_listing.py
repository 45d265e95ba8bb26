"""Lists of instructions are read from good, sloppy and hostile replies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.schemes.listing import Item, read_array, read_marked

GOOD, ALSO = "Describe a walk.", "Why is ice slippery?"
CUT = "cut by the token limit"
OUT = "text outside the markers"


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        (f"<example>{GOOD}</example>\n<example>{ALSO}</example>", [GOOD, ALSO]),
        (f"<Example> {GOOD} </EXAMPLE><example>{ALSO}</example>", [GOOD, ALSO]),
        (f"<example>{GOOD}\n<example>{ALSO}", [GOOD, ALSO]),
        (f"{GOOD}</example>\n{ALSO}</example>", [GOOD, ALSO]),
        (f"<example>{GOOD}<example>\n<example>{ALSO}<example>", [GOOD, ALSO]),
        (f"<example 1>{GOOD}</example 1> <example 2>{ALSO}</example 2>", [GOOD, ALSO]),
        (f"1. <example>{GOOD}</example>", [GOOD]),
        (f"<example>1. {GOOD}</example><example>- {ALSO}</example>", [GOOD, ALSO]),
        (f"<example>\n1. {GOOD}\n2. {ALSO}\n", [GOOD, ALSO]),
        (f"1. {GOOD}\n2) {ALSO}", [GOOD, ALSO]),
        (f"* {GOOD}\n\n* {ALSO}", [GOOD, ALSO]),
        (f"Example 1: {GOOD}\nExample 2: {ALSO}", [GOOD, ALSO]),
        (f"{GOOD}\n\n{ALSO}", [GOOD, ALSO]),
        (f"Here are some examples:\n1. {GOOD}", [GOOD]),
        (f'<example>"{GOOD}"</example><example>**{ALSO}**</example>', [GOOD, ALSO]),
        (f"<example>Instruction: {GOOD}</example>", [GOOD]),
        (f"<example>{ALSO}\nAnswer: A film of water.</example>", [ALSO]),
        (f"<example>{ALSO} Response: A film of water.</example>", [ALSO]),
        (f"<example>Question: {ALSO}\n**Answer:** Water.</example>", [ALSO]),
        ("<example>Rank these:\n1. tea\n2. milk</example>", ["Rank these:\n1. tea\n2. milk"]),
        ("<example>Explain what Output: means here</example>", ["Explain what Output: means here"]),
        (f"<example>{GOOD}</exam", [GOOD]),
        ("", []),
    ],
)
def test_marked_and_listed_items_are_read(reply: str, texts: list[str]) -> None:
    assert [item.text for item in read_marked(reply) if not item.reason] == texts


@pytest.mark.parametrize(
    ("reply", "cut", "dropped"),
    [
        (f"<example>{GOOD}</example><example>Why is i", True, Item("Why is i", CUT)),
        (f"1. {GOOD}\n2. Why is i", True, Item("2. Why is i", CUT)),
        (f"Sure!\n<example>{GOOD}</example>", False, Item("Sure!", OUT)),
        (f"<example>{GOOD}</example>\nHope it helps", False, Item("Hope it helps", OUT)),
        (f"<example>{GOOD}\nI hope it helps.", False, Item("I hope it helps.", OUT)),
        (f"<example>{GOOD}</example><example></example>", False, Item("", "empty")),
        (
            f"<example>{GOOD}</example><example>Answer: yes</example>",
            False,
            Item("Answer: yes", "an answer, not an instruction"),
        ),
    ],
)
def test_every_drop_has_its_reason(reply: str, cut: bool, dropped: Item) -> None:
    items = read_marked(reply, cut)
    assert [item.text for item in items if not item.reason] == [GOOD]
    assert [item for item in items if item.reason] == [dropped]


def test_numbers_beside_the_markers_are_no_items() -> None:
    reply = f"1. <example>{GOOD}</example>\n2. <example>{ALSO}</example>"
    assert read_marked(reply) == [Item(GOOD), Item(ALSO)]


@pytest.mark.parametrize(
    ("reply", "cut", "items"),
    [
        (json.dumps({"instructions": [GOOD, ALSO]}), False, [Item(GOOD), Item(ALSO)]),
        (json.dumps([GOOD, ALSO]), False, [Item(GOOD), Item(ALSO)]),
        (f'```json\n["{GOOD}",\n "{ALSO}",]\n```', False, [Item(GOOD), Item(ALSO)]),
        (f'["{GOOD}", "Why is i', True, [Item(GOOD), Item('"Why is i', CUT)]),
        (f'["{GOOD}", why]', False, [Item(GOOD), Item("why]", "broken JSON")]),
        (f'[{{"instruction": "{GOOD}"}}, 7]', False, [Item(GOOD), Item("7", "not a string")]),
        ('["1. Describe a walk.", ""]', False, [Item(GOOD), Item("", "empty")]),
        ("I cannot do that.", False, [Item("I cannot do that.", "no list in the reply")]),
        ("[]", False, []),
        ("", False, []),
    ],
)
def test_arrays_are_read_up_to_where_they_break(reply: str, cut: bool, items: list[Item]) -> None:
    assert read_array(reply, cut) == items


MESS = st.lists(
    st.one_of(
        st.text(max_size=10),
        st.sampled_from(
            [
                "<example>",
                "</example>",
                "\n",
                "1. ",
                "- ",
                "Answer: ",
                '"',
                "[",
                "]",
                ",",
                "{",
                "**",
            ]
        ),
    ),
    max_size=15,
).map("".join)


@given(MESS, st.booleans())
def test_any_reply_gives_texts_or_reasons(reply: str, cut: bool) -> None:
    for item in [*read_marked(reply, cut), *read_array(reply, cut)]:
        assert item.text.strip() or item.reason


@given(st.lists(st.text(alphabet=st.characters(categories=["L"]), min_size=1), max_size=5))
def test_an_array_of_plain_words_comes_back_whole(texts: list[str]) -> None:
    assert [item.text for item in read_array(json.dumps(texts))] == texts
