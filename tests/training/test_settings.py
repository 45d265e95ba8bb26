"""The learning rate of every step, by a table."""

from typing import Any, Literal

import pytest
from pydantic import ValidationError

from openbezoar.errors import ConfigError
from openbezoar.training.settings import (
    Optimisation,
    TrainingRuntime,
    check_machine,
    learning_rate_at,
)


@pytest.mark.parametrize(
    ("schedule", "warmup", "rates"),
    [
        ("linear", 0, [1.0, 0.75, 0.5, 0.25]),
        ("linear", 2, [0.5, 1.0, 1.0, 0.5]),
        ("linear", 4, [0.25, 0.5, 0.75, 1.0]),
        ("linear", 8, [0.125, 0.25, 0.375, 0.5]),
        ("constant", 0, [1.0, 1.0, 1.0, 1.0]),
        ("constant", 2, [0.5, 1.0, 1.0, 1.0]),
        ("cosine", 0, [1.0, 0.85355339, 0.5, 0.14644661]),
        ("cosine", 2, [0.5, 1.0, 1.0, 0.5]),
    ],
)
def test_the_learning_rate_of_four_steps(
    schedule: Literal["linear", "constant", "cosine"], warmup: int, rates: list[float]
) -> None:
    settings = Optimisation(learning_rate=1.0, schedule=schedule, warmup_steps=warmup)
    assert [learning_rate_at(settings, step, 4) for step in range(4)] == pytest.approx(rates)


@pytest.mark.parametrize(
    ("ratio", "steps", "first"), [(0.5, 4, 0.5), (0.3, 10, 1 / 3), (0.01, 10, 1.0), (1.0, 4, 0.25)]
)
def test_a_warm_up_can_be_a_share_of_all_steps(ratio: float, steps: int, first: float) -> None:
    settings = Optimisation(learning_rate=1.0, warmup_ratio=ratio)
    assert learning_rate_at(settings, 0, steps) == pytest.approx(first)


@pytest.mark.parametrize(
    "setting",
    [
        {"learning_rate": 0},
        {"batch_rows": 0},
        {"clip": 0},
        {"warmup_steps": -1},
        {"warmup_ratio": 1.5},
        {"warmup_steps": 3, "warmup_ratio": 0.1},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Optimisation.model_validate(setting)


@pytest.mark.parametrize(
    ("settings", "runtime", "complaint"),
    [
        ({"optimiser": "paged_adamw_8bit"}, {"device": "mps"}, "8bit does not run on mps; use ada"),
        ({}, {"device": "cuda:1", "processes": 2}, "with `device: cuda:1` there can be one"),
        ({}, {"device": "cuda", "processes": 999}, "999 need as many GPUs; this machine has"),
        ({}, {"device": "cpu", "processes": 9999}, "9999 would share the .* processor cores of"),
        ({}, {"trackers": ("tensorbord",)}, "no tracker is called 'tensorbord' .*tensorboard"),
        ({}, {"trackers": ("dvclive",)}, "dvclive is not installed; pip install dvclive"),
    ],
)
def test_what_this_machine_cannot_do_is_refused(
    settings: dict[str, Any], runtime: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        check_machine(Optimisation(**settings), TrainingRuntime(**runtime))


@pytest.mark.parametrize("optimiser", ["adamw", "paged_adamw_8bit", "rmsprop"])
def test_two_processes_of_any_optimiser_may_share_a_cpu(optimiser: Any) -> None:
    check_machine(Optimisation(optimiser=optimiser), TrainingRuntime(device="cpu", processes=2))


def test_a_launcher_around_bezoar_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match=r"without torchrun .* runtime\.processes"):
        check_machine(Optimisation(), TrainingRuntime())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCELERATE_USE_FSDP", "true"),
        ("ACCELERATE_MIXED_PRECISION", "fp16"),
        ("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4"),
    ],
)
def test_what_accelerate_would_obey_unasked_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    check_machine(Optimisation(), TrainingRuntime())
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"^{name}: .*unset it"):
        check_machine(Optimisation(), TrainingRuntime())
