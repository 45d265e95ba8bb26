"""Traces of templates, lists and broken encodings are told by kind; ordinary text has none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.filters.marks import (
    Mark,
    marker,
    numbering,
    open_fence,
    speaker,
    wrong_character,
)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Paris.<|endoftext|>", Mark("control token", "<|endoftext|>")),
        ("<|im_start|>user", Mark("control token", "<|im_start|>")),
        ("a <\uff5cend\u2581of\uff5c>", Mark("control token", "<\uff5cend\u2581of\uff5c>")),
        ("[/INST] Yes", Mark("control token", "[/INST]")),
        ("<<SYS>> be kind", Mark("control token", "<<SYS>>")),
        ("<start_of_turn>model", Mark("control token", "<start_of_turn>")),
        ("Yes. <bot>: no", Mark("control token", "<bot>:")),
        ("The end.</s> \n", Mark("control token", "</s> \n")),
        ("One.\n### Response:\nTwo.", Mark("section header", "### Response:")),
        ("###instruction: go", Mark("section header", "###instruction:")),
        ("#Rewritten Prompt#: Go.", Mark("prompt label", "#Rewritten Prompt#")),
        ("# The Given prompt #", Mark("prompt label", "# The Given prompt #")),
        ("<example>Sing.</example>", Mark("example tag", "<example>")),
        ("Sing.</Examples>", Mark("example tag", "</Examples>")),
        ("<second_prompt>", Mark("prompt tag", "<second_prompt>")),
        ("Tell me: {{ instruction }}", Mark("unfilled field", "{{ instruction")),
    ],
)  # fmt: skip
def test_a_marker_is_found_with_its_kind(text: str, mark: Mark) -> None:
    assert marker(text) == mark


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Response\n## Instructions for use",
        "Use <b>bold</b>, <s>struck</s> text, <user>Ann</user> and <answer>5</answer>.",
        "if a < b || c > d: x[0] = {'instruction': 1}",
        "The prompt was #1 in the list of prompts",
        'f"{{{name}}}" and {{ user.name }} and ${{ github.ref }}',
        "C# and F# prompt the user, <example.com> serves it",
    ],
)
def test_ordinary_text_has_no_marker(text: str) -> None:
    assert marker(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Assistant: Yes.", "Assistant:"),
        ("Yes.\n\nHuman: And then?", "Human:"),
        ("Yes.\n \t\nUser: And then?", "User:"),
        ("Human and machine.\nUser: one line below a list's head", None),
        ("The user: who is he?", None),
    ],
)
def test_an_answer_that_goes_on_as_somebody_else_is_found(text: str, found: str | None) -> None:
    assert speaker(text) == (Mark("another speaker", found) if found else None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3. Name a fish.", "3."),
        ("(2) Name a fish.", "(2)"),
        ("- Name a fish.", "-"),
        ("Example 4: Name a fish.", "Example 4:"),
        ("Instruction: Name a fish.", "Instruction:"),
        ("1. Wash it.\n2. Cook it.\nIs this right?", None),
        ("- salt\n- water\nWhat else?", None),
        ("3.5 is what?", None),
        ("1984 is what kind of book?", None),
        ("-5 plus 3?", None),
    ],
)
def test_an_instruction_with_its_number_of_a_list_is_found(text: str, found: str | None) -> None:
    assert numbering(text) == (Mark("list numbering", found) if found else None)


@pytest.mark.parametrize(
    ("text", "is_open"),
    [("```\nx\n```", False), ("Do this:\n```python\nx = 1", True), ("`x`", False), ("", False)],
)
def test_a_fence_that_is_never_closed_is_found(text: str, is_open: bool) -> None:
    assert (open_fence(text) is not None) == is_open


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a\x00b", "control character"),
        ("\x1b[31mred", "control character"),
        ("a\x9fb", "control character"),
        ("na\ufffdve", "replacement character"),
        ("half \ud83d", "replacement character"),
        ("na\u00c3\u00afve", "mojibake"),
        ("it\u00e2\u20ac\u2122s", "mojibake"),
        ("it\u00e2\x80\x99s", "mojibake"),
        ("\u00c2\u00a3776m", "mojibake"),
    ],
)
def test_a_wrong_character_is_found_with_its_kind(text: str, kind: str) -> None:
    found = wrong_character(f"before {text} after")
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("around", ["", "\u20ac"], ids=["ASCII", "not ASCII"])
def test_of_ascii_all_but_control_characters_are_right(around: str) -> None:
    wrong = {code for code in range(128) if wrong_character(f"a{chr(code)}b{around}")}
    assert wrong == {*range(32), 127} - {ord(white) for white in "\t\n\r"}


def test_letters_of_other_languages_are_right() -> None:
    text = "\u00c2me, S\u00c3O PAULO, \u00e2ge, 20 \u20ac, \u4f60\u597d, \U0001f600\tand\r\nmore"
    assert wrong_character(text) is None


@given(st.text())
def test_any_text_can_be_looked_through(text: str) -> None:
    for look in (marker, speaker, numbering, open_fence, wrong_character):
        mark = look(text)
        assert mark is None or (mark.kind and mark.found.strip() in f"{text}```")
