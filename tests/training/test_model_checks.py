"""A model that packing changes, or a part that does not learn, is found before it is trained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.training.adapters import load_model
from openbezoar.training.model_checks import gradient_faults, packing_faults
from tests.training.conftest import Rows


def test_packing_changes_nothing(tiny_checkpoint: Path, rows: Rows) -> None:
    model = load_model(tiny_checkpoint, precision="float32")
    assert not [*packing_faults(model, [sequence for (sequence,) in rows], "base")]


def test_packed_rows_that_are_not_what_they_are_alone_are_found(
    adapted: Callable[..., Any], rows: Rows
) -> None:
    """Dropout makes every pass another; so would rows that see each other."""
    torch.manual_seed(0)
    model = adapted(dropout=0.5)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    (fault,) = packing_faults(model, [sequence for (sequence,) in rows], "base")
    assert fault.check == "packing"
    assert str(fault).startswith("base: packed and single rows differ by ")


def test_a_model_that_gives_no_number_is_found(tiny_checkpoint: Path, rows: Rows) -> None:
    model = load_model(tiny_checkpoint, precision="float32")
    torch.nn.init.constant_(model.get_input_embeddings().weight, float("nan"))
    assert len([*packing_faults(model, [sequence for (sequence,) in rows], "base")]) == 1


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
