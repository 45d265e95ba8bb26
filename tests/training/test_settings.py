"""The learning rate of every step, by a table."""

from typing import Literal

import pytest
from pydantic import ValidationError

from openbezoar.training.settings import Optimisation, learning_rate_at


@pytest.mark.parametrize(
    ("schedule", "warmup", "rates"),
    [
        ("linear", 0, [1.0, 0.75, 0.5, 0.25]),
        ("linear", 2, [0.5, 1.0, 1.0, 0.5]),
        ("linear", 4, [0.25, 0.5, 0.75, 1.0]),
        ("linear", 8, [0.125, 0.25, 0.375, 0.5]),
        ("constant", 0, [1.0, 1.0, 1.0, 1.0]),
        ("constant", 2, [0.5, 1.0, 1.0, 1.0]),
    ],
)
def test_the_learning_rate_of_four_steps(
    schedule: Literal["linear", "constant"], warmup: int, rates: list[float]
) -> None:
    settings = Optimisation(learning_rate=1.0, schedule=schedule, warmup_steps=warmup)
    assert [learning_rate_at(settings, step, 4) for step in range(4)] == pytest.approx(rates)


@pytest.mark.parametrize(
    "setting", [{"learning_rate": 0}, {"batch_rows": 0}, {"clip": 0}, {"warmup_steps": -1}]
)
def test_a_setting_that_makes_no_sense_is_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Optimisation.model_validate(setting)
