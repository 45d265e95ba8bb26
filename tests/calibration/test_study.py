"""From labels to a threshold that the recipe keeps rows by, and goes stale with its judge."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from openbezoar.calibration.study import Study
from openbezoar.errors import ConfigError, DataError, StoreError
from openbezoar.plan import plan
from openbezoar.recipe import load
from openbezoar.store import Store
from tests.calibration.conftest import run

Open = Callable[..., Study]
TODAY = datetime.date(2026, 11, 23)
FILE = "calibration/recipe.kept.yaml"
CALIBRATED = f"stages.kept.filters.1.calibration={FILE}"
OTHER = "stages.kept.filters.1.judge.max_tokens=99"


def labelled(study: Study, good_from: int = 8) -> Study:
    """Label all rows as a person would who accepts answers of this quality or better."""
    desk = study.desk(61)
    for place, row in enumerate(desk.rows):
        good = row.id.startswith("r") and row.answer[-2] in "0123456789"[good_from:]
        desk.answer(place, "skip" if row.id == "refusal" else "accept" if good else "reject")
    return study


def calibrate(study: Study, precision: float = 0.9) -> str:
    return study.write(study.measure(), precision, TODAY)


def test_rows_to_label_are_those_the_judge_saw_and_the_same_every_time(study: Open) -> None:
    desk = study().desk(30)
    assert len({row.id for row in desk.rows}) == 30
    assert "short" not in {row.id for row in study().desk(1000).rows}
    assert [row.id for row in study().desk(30).rows] == [row.id for row in desk.rows]
    assert any(row.answer.endswith("quality 3.") for row in desk.rows), "a rejected one"


def test_the_figures_are_those_of_a_pencil(study: Open) -> None:
    """Sixty rows of quality 0 to 9: six unreadable, the judge accepts from 6, the person from 8."""
    found = labelled(study("kept")).measure()
    assert (found.labelled, found.unreadable.count(False), any(found.unreadable)) == (54, 6, False)
    both = {("accept", "accept"): 12, ("reject", "accept"): 12, ("reject", "reject"): 30}
    assert found.agreement.confusion == both
    assert found.agreement.agreement.value == pytest.approx(42 / 54)
    chance = (12 * 24 + 42 * 30) / 54**2
    assert found.agreement.kappa.value == pytest.approx((42 / 54 - chance) / (1 - chance))
    eight = next(point for point in found.points if point.threshold == 8)
    assert (eight.precision.value, eight.precision.n, eight.recall.value) == (1, 12, 1)


def test_the_recipe_keeps_rows_by_the_threshold_that_was_written(made: Path, study: Open) -> None:
    told = calibrate(labelled(study()))
    assert told.startswith(f"{made / FILE}: rows rated 8 or more are kept; the 95 % interval of")
    assert told.endswith(f"put `calibration: {FILE}` into the `judged` filter of stage kept")
    run(made / "recipe.yaml", CALIBRATED)
    artifact = study("kept", CALIBRATED).artifact
    numbers: dict[str, Any] = dict(artifact.numbers)
    judged = {why: n for why, n in numbers["rejected"].items() if why.startswith("judged")}
    assert judged == {"judged: unreadable": 6, "judged: rated below 8": 42}
    assert numbers["rows"] == 12
    noted = numbers["calibration"]
    assert (noted["threshold"], noted["date"]) == (8, "2026-11-23")


def test_the_file_says_what_it_rests_on(made: Path, study: Open) -> None:
    held = labelled(study())
    calibrate(held, 0.5)
    content = yaml.safe_load((made / FILE).read_text(encoding="utf-8"))
    assert content["threshold"] == 6
    assert content["precision"] == {"value": 0.5, "low": 0.3143, "high": 0.6857, "n": 24}
    assert (content["wanted_precision"], content["unreadable"]) == (0.5, 6)
    assert (content["labels"]["accepted"], content["labels"]["rejected"]) == (12, 42)
    assert content["judge"]["kind"] == "acceptance"
    assert not list(made.glob("calibration/*.partial"))


def test_a_changed_judge_makes_it_stale_until_it_is_measured_again(made: Path, study: Open) -> None:
    calibrate(labelled(study()))
    run(made / "recipe.yaml", CALIBRATED)
    steps = plan(load(made / "recipe.yaml", [CALIBRATED, OTHER]), Store(made / "store"))
    (warning,) = next(step for step in steps if step.name == "kept").warnings
    assert warning.startswith(f"a run will refuse: calibration {FILE} is stale: measured on 2026-")
    with pytest.raises(ConfigError, match=r"stages\.kept: .* is stale: .*`bezoar calibrate`"):
        run(made / "recipe.yaml", CALIBRATED, OTHER)
    told = calibrate(study("kept", CALIBRATED, OTHER))
    assert "put `calibration" not in told, "the recipe has the line"
    run(made / "recipe.yaml", CALIBRATED, OTHER)


def test_a_model_that_is_only_renamed_stays_the_same_judge(made: Path, study: Open) -> None:
    calibrate(labelled(study()))
    path = made / "recipe.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("proxy", "referee"), encoding="utf-8")
    run(path, CALIBRATED)


def test_measuring_again_with_the_same_outcome_makes_nothing_again(made: Path, study: Open) -> None:
    held = labelled(study())
    calibrate(held)
    run(made / "recipe.yaml", CALIBRATED)
    held.write(held.measure(), 0.9, TODAY + datetime.timedelta(days=1))
    steps = plan(load(made / "recipe.yaml", [CALIBRATED]), Store(made / "store"))
    assert {step.state for step in steps if step.name == "kept"} == {"made"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file; make it with"),
        ("", "cannot be used"),
        ("threshold: many\n", "cannot be used"),
        ("a: [", "cannot be used"),
        ("\x00", "cannot be used"),
    ],
)
def test_a_calibration_that_cannot_be_read_stops_a_run_with_the_fix(
    made: Path, content: str | None, complaint: str
) -> None:
    if content is not None:
        (made / "calibration").mkdir()
        (made / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="or remove the line `calibration`") as failure:
        run(made / "recipe.yaml", CALIBRATED)
    assert complaint in str(failure.value)
    assert "\n" not in str(failure.value)


def test_nothing_is_written_where_no_threshold_reaches_the_precision(
    made: Path, study: Open
) -> None:
    held = labelled(study(), good_from=11)
    found = held.measure()
    with pytest.raises(DataError, match=r"no threshold reaches a precision of 0\.9 \(the best is"):
        held.write(found, 0.9, TODAY)
    assert not (made / FILE).exists()


def test_nothing_is_written_on_few_labels(made: Path, study: Open) -> None:
    held = study()
    desk = held.desk(60)
    for place in range(20):
        desk.answer(place, "accept")
    with pytest.raises(
        DataError, match="with a label and a readable grade, and a threshold needs 30"
    ):
        calibrate(held)
    assert not (made / FILE).exists()


def test_skipped_rows_count_for_nothing_and_are_not_shown_again(study: Open) -> None:
    held = study()
    desk = held.desk(60)
    desk.answer(0, "skip")
    with pytest.raises(DataError, match="no row of stage kept is labelled accept or reject"):
        held.measure()
    assert held.desk(60).next_open() == 1


def test_labels_of_rows_that_changed_are_told_and_count_for_nothing(
    made: Path, study: Open
) -> None:
    labelled(study())
    rows = (made / "rows.jsonl").read_text(encoding="utf-8")
    (made / "rows.jsonl").write_text(rows.replace("Question 18?", "Other?"), encoding="utf-8")
    run(made / "recipe.yaml")
    held = study()
    assert held.lost() == ["r18"]
    assert held.measure().labelled == 53


def test_imported_labels_are_kept_with_the_others_and_twice_is_once(
    made: Path, study: Open
) -> None:
    text = "".join(f"r{n},{'accept' if n % 10 > 7 else 'reject'}\n" for n in range(60))
    (made / "given.csv").write_text(f"row,label\n{text}short,accept\n", encoding="utf-8")
    held = study()
    assert held.take(made / "given.csv").startswith("given.csv: 60 of 61 labels taken; 1 left out")
    size = held.labels.path.stat().st_size
    study().take(made / "given.csv")
    assert held.labels.path.stat().st_size == size
    assert study().measure().labelled == 54


def test_judges_are_compared_on_the_same_rows(study: Open) -> None:
    lenient = "{kind: acceptance, model: lenient}"
    found = labelled(study()).compare([lenient])
    assert list(found) == ["kept", lenient]
    assert found[lenient].labelled == 60, "it could read every row"
    assert found[lenient].agreement.kappa.value == 0
    assert found[lenient].auc.value == 0.5
    assert found["kept"].auc.value == 1


def test_a_stage_whose_rows_no_judge_has_seen_must_run_first(made: Path, study: Open) -> None:
    judged = "[{kind: judged, judge: {kind: acceptance, model: proxy}}]"
    late = f"stages.late={{kind: filter, rows: rows, filters: {judged}}}"
    with pytest.raises(
        StoreError, match="no judge has seen rows of stage 'late' yet; run `bezoar run"
    ):
        study("late", late)
    plain = f"stages.plain.filters={judged}"
    with pytest.raises(StoreError, match="no judge has seen rows of stage 'plain' yet"):
        study("plain", plain)


def test_labels_may_lie_elsewhere(made: Path, study: Open) -> None:
    study(labels=made / "mine" / "labels.jsonl").desk(30).answer(0, "accept")
    (line,) = (made / "mine" / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["label"] == "accept"
