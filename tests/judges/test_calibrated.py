"""A calibration names the judge it was measured on, and holds for no other."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError
from openbezoar.judges import calibrated
from openbezoar.judges.acceptance import Acceptance
from openbezoar.judges.calibrated import Calibration, Figure, JudgeMark, LabelsMark
from openbezoar.judges.likelihood import Likelihood
from openbezoar.models.openai import OpenAI
from openbezoar.models.scripted import Line, Scripted
from openbezoar.statistics import share

JUDGE, SPEC = Acceptance(model="proxy"), OpenAI(model="gpt-x")
SURE = Figure.of(share(40, 40))


def made(**changes: Any) -> Calibration:
    settings: dict[str, Any] = {
        "threshold": 7.5, "wanted_precision": 0.9, "precision": SURE, "recall": SURE,
        "agreement": SURE, "kappa": Figure(value=None, low=None, high=None, n=40),
        "unreadable": 2, "date": datetime.date(2026, 11, 23), "judge": JudgeMark.of(JUDGE, SPEC),
        "labels": LabelsMark(file="l.jsonl", sha256="ab", accepted=40, rejected=0),
    }  # fmt: skip
    return Calibration(**settings | changes)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kept.yaml"
    calibrated.write(path, made())
    calibrated.write(path, made())
    assert calibrated.read(path, "kept.yaml") == made()
    assert path.read_text(encoding="utf-8").startswith("# Written by `bezoar calibrate`")
    assert [each.name for each in path.parent.iterdir()] == ["kept.yaml"]


def test_a_figure_has_four_digits_and_stays_absent_where_it_is() -> None:
    assert Figure(value=1.0, low=0.9124, high=1.0, n=40) == SURE
    assert Figure.of(share(0, 0)).value is None


@pytest.mark.parametrize(
    ("judge", "spec"),
    [
        (Acceptance(model="proxy", max_tokens=9), SPEC),
        (Likelihood(model="proxy"), SPEC),
        (JUDGE, OpenAI(model="gpt-y")),
        (JUDGE, Scripted(lines=(Line(reply="Accept"),))),
    ],
)
def test_another_judge_or_model_makes_it_stale(judge: Any, spec: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"c\.yaml is stale: .* for acceptance on gpt-x"
    ) as failure:
        made().check(judge, spec, "c.yaml")
    assert "`bezoar calibrate`" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_another_name_or_address_of_the_same_model_does_not() -> None:
    elsewhere = OpenAI.model_validate({"model": "gpt-x", "runtime": {"concurrency": 3}})
    made().check(Acceptance(model="referee"), elsewhere, "c.yaml")


def test_another_wording_of_the_prompt_does() -> None:
    class Other(Acceptance):
        """The same settings, other words."""

        def evidence(self) -> str:
            return "other words"

    with pytest.raises(ConfigError, match="is stale"):
        made().check(Other(model="proxy"), SPEC, "c.yaml")
