"""Published rows in the fields of lm-eval's tasks."""

import pytest

from openbezoar.errors import DataError
from openbezoar.evaluations import task_rows

FOUNDRY = {"query": "Question: Why?", "choices": ["so", "no"], "gold": 1}


def test_llm_foundry_s_rows_get_arc_s_fields() -> None:
    assert task_rows.arc(FOUNDRY) == {
        "question": "Why?",
        "choices": {"text": ["so", "no"], "label": ["A", "B"]},
        "answerKey": "B",
    }


def test_llm_foundry_s_rows_get_openbookqa_s_fields() -> None:
    row = task_rows.openbookqa({**FOUNDRY, "query": "It is so because"})
    assert (row["question_stem"], row["answerKey"]) == ("It is so because", "B")
    assert "question" not in row


@pytest.mark.parametrize(
    ("word", "sentence", "found"),
    [
        ("class", "An emerging professional class.", "class"),
        ("Class", "A class apart.", "class"),
        ("floss", "She flossed her teeth.", "flossed"),
        ("toast", "That toaster can make wonderful toasts.", "toasts"),
        ("near", "Nearly all came near.", "near"),
    ],
)
def test_the_word_of_wic_is_found_in_its_sentence(word: str, sentence: str, found: str) -> None:
    row = task_rows.wic({"word": word, "sentence1": sentence})
    assert sentence[row["start1"] : row["end1"]] == found


def test_a_word_that_is_not_in_its_sentence_is_refused() -> None:
    with pytest.raises(DataError, match="'go' is not in its sentence"):
        task_rows.wic({"word": "go", "sentence1": "She went."})


def test_truthfulqa_s_table_becomes_two_lists() -> None:
    targets = {"yes": 1, "no": 0}
    row = task_rows.truthfulqa({"question": "?", "mc1_targets": targets, "mc2_targets": targets})
    assert row["mc2_targets"] == {"choices": ["yes", "no"], "labels": [1, 0]}


@pytest.mark.parametrize(("letter", "label"), [("e", 0), ("n", 1), ("c", 2)])
def test_anli_s_letters_become_its_labels(letter: str, label: int) -> None:
    row = task_rows.anli({"context": "p", "hypothesis": "h", "label": letter})
    assert row == {"premise": "p", "hypothesis": "h", "label": label}
