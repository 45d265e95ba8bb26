"""Optimisers in 8 bits and in 32 learn alike, on a CPU as well."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from openbezoar.errors import ConfigError
from openbezoar.training.adapters import adapter_tensors
from openbezoar.training.checkpoints import Checkpoints, Progress
from openbezoar.training.optimisers import make_optimiser
from openbezoar.training.settings import Optimisation

RANK = 64
"""Large enough for bitsandbytes to quantise: it leaves tensors below 4,096 numbers in 32 bits."""


def gradients(model: Any, step: int) -> None:
    stream = torch.Generator().manual_seed(step)
    for parameter in adapter_tensors(model).values():
        parameter.grad = torch.randn(parameter.shape, generator=stream) + 1


def settings(optimiser: Any) -> Optimisation:
    return Optimisation(optimiser=optimiser, learning_rate=1e-2, weight_decay=0.1)


def test_eight_bits_follow_thirty_two_on_a_cpu(adapted: Callable[..., Any]) -> None:
    """Twenty steps of 0.01 move a weight by up to 0.2; rounding may cost a tenth of that."""
    full, small = adapted(r=RANK, targets=("up_proj",)), adapted(r=RANK, targets=("up_proj",))
    before = [tensor.detach().clone() for tensor in adapter_tensors(full).values()]
    optimisers = [
        make_optimiser(full, settings("adamw")),
        make_optimiser(small, settings("paged_adamw_8bit")),
    ]
    for step in range(20):
        for model, optimiser in zip((full, small), optimisers, strict=True):
            gradients(model, step)
            optimiser.step()
    states = [state["state1"].dtype for state in optimisers[1].state.values()]
    assert torch.uint8 in states
    for old, one, other in zip(
        before, adapter_tensors(full).values(), adapter_tensors(small).values(), strict=True
    ):
        assert (one - old).abs().mean() > 0.1
        assert (one - other).abs().max() < 0.02


@pytest.mark.parametrize("optimiser", get_args(Optimisation.model_fields["optimiser"].annotation))
def test_every_optimiser_gets_the_rate_and_the_decay(
    adapted: Callable[..., Any], optimiser: str
) -> None:
    (group,) = make_optimiser(adapted(), settings(optimiser)).param_groups
    assert (group["lr"], group["weight_decay"]) == (1e-2, 0.1)


def test_a_checkpoint_holds_a_state_of_eight_bits_exactly(
    adapted: Callable[..., Any], tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path, "", print)
    model, again = adapted(r=RANK, targets=("up_proj",)), adapted(r=RANK, targets=("up_proj",))
    optimiser, resumed = (
        make_optimiser(one, settings("paged_adamw_8bit")) for one in (model, again)
    )
    gradients(model, 0)
    optimiser.step()
    checkpoints.save(model, optimiser, Progress(step=1))
    checkpoints.restore_latest(again, resumed)
    for one, its in ((model, optimiser), (again, resumed)):
        gradients(one, 1)
        its.step()
    found, expected = adapter_tensors(again), adapter_tensors(model)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_an_optimiser_for_other_hardware_is_refused(adapted: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="paged_adamw_8bit does not run on meta"):
        make_optimiser(adapted().to("meta"), settings("paged_adamw_8bit"))
