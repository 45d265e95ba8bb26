"""What a model may be asked: settings of sampling that no server could keep to are refused."""

import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar.component import science
from openbezoar.errors import ConfigError
from openbezoar.families import Sampling
from openbezoar.judges.acceptance import Acceptance
from openbezoar.recipe import load

TEXT = """\
name: small
models:
  teacher: {kind: scripted, lines: [{reply: "Yes, indeed."}]}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: SCHEME}}
"""


@pytest.mark.parametrize(
    "setting",
    [
        {"temperature": -3}, {"temperature": math.nan}, {"temperature": math.inf}, {"top_p": 0},
        {"top_p": 4}, {"top_p": -0.1}, {"top_p": math.nan}, {"max_tokens": 0}, {"max_tokens": -5},
        {"max_tokens": 1.5}, {"stop": [""]}, {"stop": ["\n", ""]},
    ],
)  # fmt: skip
def test_no_model_is_asked_for_what_cannot_be_drawn(setting: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(setting))):
        Sampling.model_validate(setting)


@pytest.mark.parametrize(
    "setting",
    [
        {"temperature": 0.0},
        {"temperature": 2.5},
        {"top_p": 1.0},
        {"max_tokens": 1},
        {"stop": [" "]},
    ],
)
def test_what_can_be_drawn_keeps_its_place_in_a_fingerprint(setting: dict[str, Any]) -> None:
    default = {"temperature": 0.7, "top_p": 0.95, "max_tokens": 512, "stop": []}
    assert science(Sampling.model_validate(setting)) == {**default, **setting}


@pytest.mark.parametrize("scheme", ["respond", "orca", "lamini", "evol_instruct"])
@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("temperature=-3", "needs 0 or more"),
        ("top_p=4", "needs 1 or less"),
        ("max_tokens=0", "needs more than 0"),
        ("max_tokens=-5", "needs more than 0"),
        ("stop=['']", "1 or more characters"),
    ],
)
def test_a_recipe_that_asks_for_it_is_refused_in_one_line(
    tmp_path: Path, scheme: str, setting: str, told: str
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT.replace("SCHEME", scheme), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, [f"stages.rows.scheme.sampling.{setting}"])
    place = f"stages.rows.scheme.sampling.{setting.partition('=')[0]}"
    assert f": {place}" in str(refused.value)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("longest", [0, -5])
def test_a_judge_may_say_something(longest: int) -> None:
    with pytest.raises(ValidationError, match="max_tokens"):
        Acceptance(model="judge", max_tokens=longest)
