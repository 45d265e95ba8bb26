"""The distance between two models, where it is known beforehand."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from openbezoar.training.format import Encoded
from openbezoar.training.parity import compare, distributions


class Constant:
    """A model that gives every position the same distribution over two tokens."""

    device = "cpu"

    def __init__(self, share: float) -> None:
        self.row = torch.tensor([math.log(share), math.log(1 - share)])

    def __call__(self, input_ids: torch.Tensor) -> Any:
        return SimpleNamespace(logits=self.row.expand(1, input_ids.shape[1], 2))


def encoded(ids: list[int], supervised: list[bool]) -> Encoded:
    return Encoded(ids, supervised)


def test_a_model_is_no_distance_from_itself() -> None:
    rows = [encoded([0, 1, 0], [False, True, True])]
    found = compare(Constant(0.25), distributions(Constant(0.25), rows), rows)
    assert (found.divergence, found.agreement, found.tokens) == (0.0, 1.0, 3)
    assert found.nll == found.reference_nll


def test_the_divergence_is_that_of_the_reference_from_the_model() -> None:
    """KL((1/2, 1/2) || (1/4, 3/4)) = 1/2 ln 2 + 1/2 ln 2/3 = 1/2 ln 4/3."""
    rows = [encoded([0, 0], [False, True]), encoded([1, 1], [False, True])]
    found = compare(Constant(0.25), distributions(Constant(0.5 + 1e-7), rows), rows)
    assert found.divergence == pytest.approx(0.5 * math.log(4 / 3), abs=1e-5)
    assert (found.agreement, found.tokens) == (0.0, 4)


def test_the_likelihood_is_that_of_supervised_tokens_given_those_before() -> None:
    """Of 0 1 1, the two ones are learned: -ln 3/4 each; of 1 0 0 the last: -ln 1/4."""
    rows = [encoded([0, 1, 1], [False, True, True]), encoded([1, 0, 0], [True, False, True])]
    found = compare(Constant(0.25), distributions(Constant(0.5), rows), rows)
    assert found.answer_tokens == 3
    assert found.nll == pytest.approx((2 * math.log(4 / 3) + math.log(4)) / 3)
    assert found.reference_nll == pytest.approx(math.log(2))
