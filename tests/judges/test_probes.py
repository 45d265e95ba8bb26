"""Planted bad answers, and the figures that a judge earns on them."""

import random
import re
from collections.abc import Callable

import pytest

from openbezoar.judges.probes import KINDS, discrimination, hard, plant
from openbezoar.records import Example, Grade

Make = Callable[..., Example]
GOOD = Grade(status="Accept", rating=9)
BAD = Grade(status="Reject", rating=2)


def rows(example: Make, n: int = 6) -> list[Example]:
    answers = [f"Number {place} is the answer to this one here." for place in range(n)]
    return [example(f"Question {p}?", text, id=f"row-{p}") for p, text in enumerate(answers)]


def test_every_row_gets_a_bad_answer_of_each_kind(example: Make) -> None:
    real = rows(example)
    planted = plant(real, random.Random(1))
    assert tuple(planted) == KINDS
    for kind, bad in planted.items():
        assert [row.id for row in bad] == [f"{row.id}~{kind}" for row in real]
        for row, original in zip(bad, real, strict=True):
            assert row.instruction == original.instruction
            assert row.answer != original.answer


def test_bad_answers_are_what_they_are_called(example: Make) -> None:
    real = rows(example)
    planted = plant(real, random.Random(1))
    answers = {row.answer for row in real}
    for row, original in zip(planted["mismatched"], real, strict=True):
        assert row.answer in answers - {original.answer}
    for row, original in zip(planted["shuffled"], real, strict=True):
        assert sorted(row.answer.split()) == sorted(original.answer.split())
    for row, original in zip(planted["truncated"], real, strict=True):
        assert original.answer.startswith(row.answer)


def test_the_same_stream_plants_the_same(example: Make) -> None:
    real = rows(example)
    assert plant(real, random.Random(1)) == plant(real, random.Random(1))
    assert plant(real, random.Random(1)) != plant(real, random.Random(2))


def test_an_answer_too_short_to_spoil_is_left_out(example: Make) -> None:
    planted = plant([example("2 + 2?", "Four.")], random.Random(1))
    assert [kind for kind, bad in planted.items() if bad] == ["refusal", "junk"]


def test_a_spoilt_answer_keeps_its_layout(example: Make) -> None:
    answer = "1. Oil\n2. Lights\n\n  3. Tyres and brakes"
    planted = plant([example("What?", answer)], random.Random(1))
    assert planted["truncated"][0].answer == "1. Oil\n2. Lights"
    spaces = [re.sub(r"\S+", "x", text) for text in (answer, planted["shuffled"][0].answer)]
    assert spaces[0] == spaces[1]


@pytest.mark.parametrize(
    "answer",
    ["", " \n", "\x00\x1b[2J \x07 a b c", "é \u202e 你好 мир мира x", "word " * 200_000],
    ids=["empty", "blank", "control", "mixed", "1 MB"],
)
def test_hostile_rows_are_spoilt_too(answer: str, example: Make) -> None:
    real = [example("What?", answer, id="a"), example("Why?", "For this very reason.", id="b")]
    planted = plant(real, random.Random(1))
    assert all(row.answer != answer for bad in planted.values() for row in bad if row.id[0] == "a")
    assert len(planted["refusal"]) == len(planted["junk"]) == 2


def test_hard_pairs_share_the_question_and_not_the_answer() -> None:
    pairs = hard(24, random.Random(1))
    assert len(pairs["hard_right"]) == len(pairs["hard_wrong"]) == 24
    for right, wrong in zip(pairs["hard_right"], pairs["hard_wrong"], strict=True):
        assert right.instruction == wrong.instruction
        assert right.answer != wrong.answer
    assert len(hard(3, random.Random(1))["hard_wrong"]) == 3


def accepted(grade: Grade) -> bool:
    return grade.status == "Accept"


def test_a_judge_that_tells_them_apart_has_an_area_of_one() -> None:
    shown = discrimination({"real": [GOOD] * 2, "junk": [BAD], "refusal": [BAD] * 2}, accepted)
    assert {kind: area.value for kind, area in shown.areas.items()} == {"junk": 1, "refusal": 1}
    assert shown.pooled.value == 1.0
    assert shown.numbers()["accepted"] == {"real": 1.0, "junk": 0.0, "refusal": 0.0}


def test_a_judge_that_accepts_everything_has_an_area_of_a_half() -> None:
    shown = discrimination({"real": [GOOD] * 2, "junk": [GOOD] * 2}, accepted)
    assert shown.pooled.value == 0.5


def test_hard_pairs_are_compared_with_each_other_and_not_pooled() -> None:
    shown = discrimination(
        {"real": [GOOD], "junk": [BAD], "hard_wrong": [GOOD], "hard_right": [GOOD]}, accepted
    )
    assert shown.areas["hard_wrong"].value == 0.5
    assert shown.pooled.value == 1.0
    assert list(shown.accepted) == ["real", "hard_right", "junk", "hard_wrong"]


def test_unreadable_grades_are_left_out_and_counted() -> None:
    shown = discrimination({"real": [GOOD, Grade()], "junk": [Grade()]}, accepted)
    assert shown.numbers() == {
        "auc": {"junk": None},
        "auc_interval": {"junk": None},
        "auc_pooled": None,
        "auc_pooled_interval": None,
        "accepted": {"real": 1.0, "junk": None},
        "accepted_interval": {"real": [0.2065, 1.0], "junk": None},
        "n": {"real": 1, "junk": 0},
        "unreadable": {"real": 1, "junk": 1},
    }


def test_a_threshold_of_its_own_decides_what_counts_as_accepted() -> None:
    shown = discrimination({"real": [GOOD], "junk": [BAD]}, lambda grade: grade.rating == 2)
    assert shown.numbers()["accepted"] == {"real": 0.0, "junk": 1.0}
