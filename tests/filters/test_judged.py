"""A judge is tried on bad answers first, then decides on every row."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError, DataError, ModelError, ParseError
from openbezoar.families import Judge, Request
from openbezoar.filters.judged import Judged
from openbezoar.judges import calibrated
from openbezoar.judges.calibrated import Calibration, Figure, JudgeMark, LabelsMark
from openbezoar.models.scripted import Scripted, ScriptedModel
from openbezoar.records import Example, Grade

Make = Callable[..., Example]
Decide = Callable[..., Any]


def judged(**settings: Any) -> Judged:
    judge = {"kind": "acceptance", "model": "proxy"}
    return Judged.model_validate({"judge": judge, **settings})


def rows(example: Make, n: int = 12) -> list[Example]:
    return [example(f"Question {p}?", f"Answer {p} is a fine sentence.", f"r{p}") for p in range(n)]


def verdict(status: str, rating: int) -> str:
    return json.dumps({"reason": "so", "rating": rating, "status": status})


def knowing(request: Request) -> str:
    """Accepts only the answer that belongs to the question, whole."""
    asked = request.messages[0].content
    if "Question " not in asked:
        return verdict("Reject", 5)
    number = asked.split("Question ")[1].split("?")[0]
    good = f"<answer>\nAnswer {number} is a fine sentence.\n</answer>" in asked
    return verdict("Accept", 9) if good else verdict("Reject", 2)


def test_a_judge_that_knows_is_trusted_and_its_figures_are_noted(
    example: Make, decide: Decide
) -> None:
    verdicts, numbers = decide(judged(), rows(example), ScriptedModel(knowing))
    assert all(found.keep for found in verdicts)
    (noted,) = numbers["judges"]
    assert (noted["judge"], noted["model"], noted["label"]) == ("acceptance", "proxy", "scripted")
    assert noted["auc_pooled"] == 1.0
    assert noted["accepted"]["real"] == 1.0
    assert noted["n"]["junk"] == noted["n"]["hard_wrong"] == 12


def test_a_kept_row_carries_its_grade_and_a_rejected_one_too(example: Make, decide: Decide) -> None:
    pair = [*rows(example, 1), example("Question 5?", "Something else.", "bad")]
    (kept, rejected), _ = decide(judged(probes=0), pair, ScriptedModel(knowing))
    assert kept.keep
    assert kept.grade == Grade(status="Accept", rating=9, reason="so")
    assert (rejected.keep, rejected.reason, rejected.filter) == (False, "rejected", "judged")
    assert rejected.grade == Grade(status="Reject", rating=2, reason="so")


def test_a_judge_that_accepts_everything_stops_the_stage(example: Make, decide: Decide) -> None:
    model = ScriptedModel(lambda request: verdict("Accept", 9))
    with pytest.raises(
        DataError, match=r"cannot tell good .*AUC 0\.50 on 12 rows.*junk 0\.50"
    ) as failure:
        decide(judged(), rows(example), model)
    assert "\n" not in str(failure.value)


def test_a_judge_nobody_can_read_stops_the_stage(example: Make, decide: Decide) -> None:
    with pytest.raises(DataError, match=r"12 of 12 real answers .*no verdict in the reply"):
        decide(judged(), rows(example), ScriptedModel(lambda request: "hm"))


def test_a_server_that_refuses_every_question_stops_the_stage_with_its_words(
    example: Make, decide: Decide
) -> None:
    def refuse(request: Request) -> str:
        raise ParseError("refused by the server", "no such model: gpt-5-mini")

    with pytest.raises(DataError, match=r"most often: refused by the server: no such model"):
        decide(judged(), rows(example), ScriptedModel(refuse))


@pytest.mark.parametrize(
    ("broken", "said"),
    [("refused", "refused by the server: too long"), ("prose", "unreadable: no verdict")],
)
def test_a_stage_most_of_whose_rows_get_no_verdict_stops(
    broken: str, said: str, example: Make, decide: Decide
) -> None:
    def fail(request: Request) -> str:
        if broken == "refused":
            raise ParseError("refused by the server", "too long")
        return "I like it."

    with pytest.raises(ModelError, match=said):
        decide(judged(probes=0), rows(example, 80), ScriptedModel(fail))


def test_without_probes_the_judge_is_trusted_untried(example: Make, decide: Decide) -> None:
    model = ScriptedModel(lambda request: verdict("Accept", 9))
    verdicts, numbers = decide(judged(probes=0), rows(example, 3), model)
    assert len(model.requests) == 3
    assert "auc_pooled" not in numbers["judges"][0]
    assert all(found.keep for found in verdicts)


def test_an_unreadable_verdict_is_counted_and_never_scored(example: Make, decide: Decide) -> None:
    model = ScriptedModel(lambda request: "10/10, accept!")
    (found,), _ = decide(judged(probes=0), rows(example, 1), model)
    assert (found.keep, found.reason, found.grade) == (False, "unreadable", Grade())


def test_a_row_the_server_refuses_is_dropped_with_its_words(example: Make, decide: Decide) -> None:
    def refuse(request: Request) -> str:
        raise ParseError("refused by the server", "too long")

    (found,), _ = decide(judged(probes=0), rows(example, 1), ScriptedModel(refuse))
    assert found.reason == "could not be checked (refused by the server)"
    assert found.details == {"detail": "too long"}


def test_a_few_rows_measure_the_judge_but_do_not_stop_it(example: Make, decide: Decide) -> None:
    model = ScriptedModel(lambda request: verdict("Accept", 9))
    verdicts, numbers = decide(judged(), rows(example, 3), model)
    assert numbers["judges"][0]["auc_pooled"] == 0.5
    assert len(verdicts) == 3


def test_its_model_is_announced() -> None:
    assert judged().uses() == ("proxy",)


def calibration(folder: Path, judge: Judge, threshold: float) -> str:
    """Write a calibration of this judge, on the model that tests have."""
    figure = Figure(value=1.0, low=0.9, high=1.0, n=40)
    path = folder / "kept.yaml"
    calibrated.write(
        path,
        Calibration(
            threshold=threshold, wanted_precision=0.9, precision=figure, recall=figure,
            agreement=figure, kappa=figure, unreadable=0, date=date(2026, 11, 23),
            judge=JudgeMark.of(judge, Scripted(lines=())),
            labels=LabelsMark(file="l.jsonl", sha256="", accepted=30, rejected=10),
        ),
    )  # fmt: skip
    return str(path)


@pytest.mark.parametrize(
    ("status", "rating", "reason"),
    [
        ("Accept", 7, ""),
        ("Reject", 7, ""),
        ("Accept", 6, "rated below 7"),
        ("Reject", 10, ""),
        ("Accept", 11, "unreadable"),
    ],
)
def test_with_a_calibration_the_rating_alone_decides(
    example: Make, decide: Decide, tmp_path: Path, status: str, rating: int, reason: str
) -> None:
    path = calibration(tmp_path, judged().judge, 7)
    model = ScriptedModel(lambda request: verdict(status, rating))
    (found,), numbers = decide(judged(probes=0, calibration=path), rows(example, 1), model)
    assert (found.keep, found.reason) == (not reason, reason)
    assert numbers["calibration"]["threshold"] == 7


def test_a_calibration_of_another_judge_is_refused(
    example: Make, decide: Decide, tmp_path: Path
) -> None:
    other = {"kind": "acceptance", "model": "proxy", "max_tokens": 9}
    path = calibration(tmp_path, judged(judge=other).judge, 7)
    with pytest.raises(ConfigError, match=r"is stale: measured on 2026-11-23 for acceptance on"):
        decide(judged(probes=0, calibration=path), rows(example, 1), ScriptedModel(knowing))


def test_the_threshold_is_evidence_and_the_figures_are_not(tmp_path: Path) -> None:
    part = judged(calibration=calibration(tmp_path, judged().judge, 7))
    before = part.evidence()
    path = Path(part.calibration or "")
    path.write_text(path.read_text().replace("2026-11-23", "2027-01-01"), encoding="utf-8")
    assert part.evidence() == before
    calibration(tmp_path, judged().judge, 8)
    assert part.evidence() != before
    path.unlink()
    assert part.evidence() == [judged().judge.evidence(), "no calibration"]
