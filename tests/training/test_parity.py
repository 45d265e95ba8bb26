"""The distance between two models, where it is known beforehand."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from openbezoar.training.parity import compare


class Constant:
    """A model that gives every position the same distribution over two tokens."""

    device = "cpu"

    def __init__(self, share: float) -> None:
        self.row = torch.tensor([math.log(share), math.log(1 - share)])

    def __call__(self, input_ids: torch.Tensor) -> Any:
        return SimpleNamespace(logits=self.row.expand(1, input_ids.shape[1], 2))


def test_a_model_is_no_distance_from_itself() -> None:
    assert compare(Constant(0.25), Constant(0.25), [[0, 1, 0]]) == (0.0, 1.0, 3)


def test_the_divergence_is_that_of_the_reference_from_the_model() -> None:
    """KL((1/2, 1/2) || (1/4, 3/4)) = 1/2 ln 2 + 1/2 ln 2/3 = 1/2 ln 4/3."""
    found = compare(Constant(0.25), Constant(0.5 + 1e-7), [[0], [1, 1]])
    assert found.divergence == pytest.approx(0.5 * math.log(4 / 3), abs=1e-5)
    assert (found.agreement, found.tokens) == (0.0, 3)
