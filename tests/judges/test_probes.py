"""Planted bad answers, and the figures that a judge earns on them."""

import random
from collections.abc import Callable

from openbezoar.judges.probes import KINDS, discrimination, plant
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


def test_a_judge_that_tells_them_apart_has_an_area_of_one() -> None:
    shown = discrimination([GOOD, GOOD], {"junk": [BAD], "refusal": [BAD, BAD]})
    assert shown.auc == {"junk": 1.0, "refusal": 1.0}
    assert shown.pooled == 1.0
    assert shown.accepted == {"real": 1.0, "junk": 0.0, "refusal": 0.0}


def test_a_judge_that_accepts_everything_has_an_area_of_a_half() -> None:
    assert discrimination([GOOD, GOOD], {"junk": [GOOD, GOOD]}).pooled == 0.5


def test_unreadable_grades_are_left_out_and_counted() -> None:
    shown = discrimination([GOOD, Grade()], {"junk": [Grade()]})
    assert shown.rated == {"real": 1, "junk": 0}
    assert shown.numbers() == {
        "auc": {"junk": None},
        "auc_pooled": None,
        "accepted": {"real": 1.0, "junk": None},
        "n": {"real": 1, "junk": 0},
    }
