"""Orca's system messages and their assignment."""

import json
from pathlib import Path

import pytest

from openbezoar.errors import DataError
from openbezoar.schemes.system_messages import (
    is_multiple_choice,
    message_ids,
    parse_messages,
    system_messages,
)

CHOICE = "Which is red?\nOPTIONS:\n- grass\n- blood"


def test_there_are_sixteen_messages_and_only_the_first_is_empty() -> None:
    messages = system_messages("ours")
    assert list(messages) == list(range(1, 17))
    assert [number for number, text in messages.items() if not text] == [1]
    assert len(set(messages.values())) == 16


@pytest.mark.parametrize(
    ("sub_collection", "inputs", "ids"),
    [
        ("cot", CHOICE, (6, 11, 16)),
        ("niv2", CHOICE, (1, 2, 5, 7, 9, 12, 13, 14, 15)),
        ("t0", CHOICE, (1, 2, 3, 5, 7)),
        ("flan2021", CHOICE, (8, 10)),
        ("flan2021", "Name a fruit.", (3, 4, 7)),
    ],
)
def test_ids_follow_the_sub_collection(
    sub_collection: str, inputs: str, ids: tuple[int, ...]
) -> None:
    assert message_ids(sub_collection, inputs) == ids


def test_a_row_from_outside_flan_is_refused() -> None:
    with pytest.raises(DataError, match="no sub-collection 'dolly'"):
        message_ids("dolly", "Name a fruit.")


@pytest.mark.parametrize(
    ("inputs", "choice"),
    [
        (CHOICE, True),
        ("Is it?n\nOPTIONS:\n- yes\n- no", True),
        ("Which?\n\nOptions:\n\n(A) one\n(B) two", True),
        ("Which?\nChoices:\n1. one\n2. two", True),
        ("Which is red? (A) grass (B) blood", True),
        ("Which is red?\nA. grass\nB. blood", True),
        ("Which is red?\na) grass\nb) blood", True),
        ("The options: buy or sell. Decide.", False),
        ("OPTIONS:\nthere are none", False),
        ("See (B) and then (C).", False),
        ("Plan A: buy. Explain (a) lot.", False),
        ("", False),
    ],
)
def test_choices_are_found_in_flan_2021(inputs: str, choice: bool) -> None:
    assert is_multiple_choice(inputs) is choice


def test_the_original_strings_may_be_a_list_or_an_object() -> None:
    texts = ["", *(f"message {number}" for number in range(2, 17))]
    by_id = {str(number): text for number, text in enumerate(texts, start=1)}
    assert parse_messages(json.dumps(texts)) == parse_messages(json.dumps(by_id))
    assert parse_messages(json.dumps(texts))[2] == "message 2"


@pytest.mark.parametrize(
    "text", ["", "[]", '["only one"]', '{"1": ""}', "[1, 2]", "7", '{"x": ""}']
)
def test_other_content_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(DataError, match="16 strings"):
        parse_messages(text)


def test_missing_original_strings_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path))
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"orca/system_messages.json"):
        system_messages("original")
