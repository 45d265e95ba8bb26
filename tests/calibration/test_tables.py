"""What was measured is told to people in a screenful, and to programs in full."""

import pytest

from openbezoar.calibration.agreement import Judgement, agreement, curve, discrimination
from openbezoar.calibration.study import Measured
from openbezoar.calibration.tables import as_json, compared, readable
from openbezoar.judges.calibrated import JudgeMark
from openbezoar.records import Grade


def measured(*pairs: tuple[bool, float], unreadable: int = 0) -> Measured:
    """A judge that accepts from a rating of 6."""
    grades = [
        Judgement(said, Grade(status="Accept" if rating >= 6 else "Reject", rating=rating))
        for said, rating in pairs
    ]
    words = {True: "accept", False: "reject"}
    return Measured(
        judge=JudgeMark(kind="acceptance", model="gpt", fingerprint="0123456789ab"),
        agreement=agreement(
            [(words[one.accepted], words[one.grade.status == "Accept"]) for one in grades]
        ),
        points=curve(grades),
        auc=discrimination(grades),
        unreadable=[True] * unreadable,
        usd_per_1000=2.5,
    )


SIX = measured((True, 9), (True, 9), (False, 7), (True, 7), (False, 2), (False, 2), unreadable=1)


def test_the_table_for_people() -> None:
    assert (
        readable(SIX, 0.75)
        == """\
judge       acceptance on gpt (01234567)
labels      6 with a readable grade
agreement   0.83 [0.44, 0.97] over 6 rows
kappa       0.67 [-0.13, 0.94] over 6 rows
AUC         0.94 [0.45, 1.00]
unreadable  1 more, in no figure here; you accept 1 of them

              judge accepts  judge rejects
you accept                3              0
you reject                1              2

rating from   kept   precision            recall
          2      6   0.50 [0.19, 0.81]    1.00 [0.44, 1.00]
          7      4   0.75 [0.30, 0.95]    1.00 [0.44, 1.00]      <- chosen
          9      2   1.00 [0.34, 1.00]    0.67 [0.21, 0.94]"""
    )


def test_a_long_table_shows_the_chosen_line_among_some() -> None:
    many = measured(*[(rating >= 50, float(rating)) for rating in range(101)])
    lines = readable(many, 0.99).splitlines()
    assert len(lines) < 26
    assert [line.split()[0] for line in lines if "chosen" in line] == ["50"]


def test_nothing_measured_is_told_as_nothing() -> None:
    text = readable(measured(unreadable=3), 0.9)
    assert "agreement   - over 0 rows" in text
    assert "unreadable  3 more" in text
    assert "chosen" not in text


def test_json_holds_every_threshold() -> None:
    found = as_json(SIX, 0.75)
    assert [point["threshold"] for point in found["thresholds"]] == [2, 7, 9]
    assert (found["threshold"], found["labelled"], found["unreadable"]) == (7, 6, 1)
    assert sum(cell["rows"] for cell in found["confusion"]) == 6
    assert as_json(SIX, 1.1)["threshold"] is None


def test_a_line_a_judge() -> None:
    (line,) = compared({"kept": SIX}, 0.9)
    assert line["kappa"] == pytest.approx(2 / 3)
    assert (line["precision"], line["recall"], line["unreadable"]) == (0.75, 1, 1)
    assert (line["judge"], line["usd_per_1000"], line["recall_at_0.9"]) == ("kept", 2.5, 2 / 3)
