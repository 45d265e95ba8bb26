"""A model that packing changes, or a part that does not learn, is found before it is trained."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.training.adapters import Lora, attach_adapter
from openbezoar.training.model_checks import gradient_faults, packing_faults
from tests.training.conftest import Rows
from tests.training.families import some_rows, tiny


@pytest.fixture
def leaking(adapted: Callable[..., Any]) -> Any:
    """A model with a layer that looks across sequences: the sum over all tokens before it."""
    model = adapted()
    model.get_base_model().model.layers[0].mlp.register_forward_hook(
        lambda module, inputs, output: output + inputs[0].cumsum(1)
    )
    return model


def test_packing_changes_nothing(adapted: Callable[..., Any], rows: Rows, pairs: Rows) -> None:
    assert not [*packing_faults(adapted(dropout=0.5), rows, "base")]
    assert not [*packing_faults(adapted(), pairs, "base")]


def test_packed_rows_that_are_not_what_they_are_alone_are_found(leaking: Any, rows: Rows) -> None:
    (fault,) = packing_faults(leaking, rows, "base")
    assert fault.check == "packing"
    assert str(fault).startswith("base: packed and single rows differ by ")


@pytest.mark.parametrize(
    ("family", "target", "settings"),
    [
        ("granite", "q_proj", {"logits_scaling": 8.0}),
        ("bloom", "dense", {}),
        ("mamba", "in_proj", {}),
    ],
)
def test_a_model_that_is_never_packed_has_no_such_fault(
    family: str, target: str, settings: dict[str, float]
) -> None:
    model = attach_adapter(tiny(family, **settings), Lora(targets=(target,)))
    assert not [*packing_faults(model, some_rows()[:1], "base")]


def test_a_model_that_gives_no_number_is_found(adapted: Callable[..., Any], rows: Rows) -> None:
    model = adapted()
    torch.nn.init.constant_(model.get_base_model().lm_head.weight, float("nan"))
    assert len([*packing_faults(model, rows, "base")]) == 1


@pytest.mark.parametrize("objective", [SupervisedFineTuning(), DirectPreferenceOptimization()])
def test_all_of_a_new_adapter_learns(
    adapted: Callable[..., Any], rows: Rows, pairs: Rows, objective: Any
) -> None:
    given = pairs if objective.reference else rows
    assert not [*gradient_faults(adapted(), objective, given[:4], "stages.sft")]


def test_a_part_that_does_not_learn_is_found(adapted: Callable[..., Any], rows: Rows) -> None:
    model = adapted()
    still = torch.nn.Parameter(torch.ones(2))
    model.register_parameter("still", still)
    (fault,) = gradient_faults(model, SupervisedFineTuning(), rows[:2], "stages.sft")
    assert fault.what.startswith("1 of ")
    assert fault.what.endswith("such as still")
