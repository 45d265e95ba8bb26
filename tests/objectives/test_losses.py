"""The losses of preference training, each worked by hand."""

import math

import pytest
import torch

from openbezoar.objectives.losses import (
    LOSSES,
    Variant,
    ipo,
    ipo_per_token,
    margins,
    per_token,
    sigmoid,
    sigmoid_per_token,
)

RATIOS = torch.tensor([[2.0, -3.0]])
"""The chosen answer rose by 2 nats, the rejected one fell by 3: h = 5."""
TOKENS = torch.tensor([[4, 2]])
"""Per token 0.5 and -1.5: h = 2."""


def test_the_margin_is_the_difference_of_the_ratios() -> None:
    assert margins(RATIOS).tolist() == [5.0]


def test_a_ratio_per_token_is_divided_by_the_answers_own_length() -> None:
    assert per_token(RATIOS, TOKENS).tolist() == [[0.5, -1.5]]


def test_sigmoid_can_be_checked_with_a_pencil() -> None:
    """beta h = 0.5 * 5 = 2.5; log(1 + exp(-2.5)) = log(1.0821) = 0.0789."""
    assert float(sigmoid(RATIOS, TOKENS, 0.5, 0.0)) == pytest.approx(0.0789, abs=5e-5)


def test_smoothing_mixes_in_the_opposite_label() -> None:
    """The opposite label costs log(1 + exp(2.5)) = 2.5789; 0.9 * 0.0789 + 0.1 * 2.5789 = 0.3289."""
    assert float(sigmoid(RATIOS, TOKENS, 0.5, 0.1)) == pytest.approx(0.3289, abs=5e-5)


def test_a_smoothed_loss_is_least_where_labels_are_believed_as_much_as_they_deserve() -> None:
    """s(beta h) = 0.9 at beta h = log 9, where the slope is nought."""
    ratios = torch.tensor([[math.log(9), 0.0]], requires_grad=True)
    sigmoid(ratios, TOKENS, 1.0, 0.1).sum().backward()
    assert ratios.grad is not None
    assert float(ratios.grad.abs().max()) < 1e-6


def test_ipo_can_be_checked_with_a_pencil() -> None:
    """It aims at 1 / (2 * 0.5) = 1; (5 - 1)^2 = 16, and at its aim it costs nothing."""
    assert ipo(RATIOS, TOKENS, 0.5, 0.0).tolist() == [16.0]
    assert ipo(torch.tensor([[1.0, 0.0]]), TOKENS, 0.5, 0.0).tolist() == [0.0]


def test_smoothed_ipo_mixes_in_the_opposite_aim() -> None:
    """0.75 * (5 - 1)^2 + 0.25 * (5 + 1)^2 = 12 + 9."""
    assert ipo(RATIOS, TOKENS, 0.5, 0.25).tolist() == [21.0]


def test_sigmoid_per_token_can_be_checked_with_a_pencil() -> None:
    """beta h = 0.5 * 2 = 1; log(1 + exp(-1)) = 0.3133."""
    found = float(sigmoid_per_token(RATIOS, TOKENS, 0.5, 0.0))
    assert found == pytest.approx(0.3133, abs=5e-5)


def test_ipo_per_token_can_be_checked_with_a_pencil() -> None:
    """(2 - 1)^2 = 1."""
    assert ipo_per_token(RATIOS, TOKENS, 0.5, 0.0).tolist() == [1.0]


@pytest.mark.parametrize("name", ["sigmoid_per_token", "ipo_per_token"])
def test_a_longer_answer_of_the_same_words_changes_nothing_per_token(name: Variant) -> None:
    """Three times the tokens with three times the ratios are the same means."""
    once, thrice = (LOSSES[name](RATIOS * n, TOKENS * n, 0.5, 0.0) for n in (1, 3))
    assert once.tolist() == thrice.tolist()


@pytest.mark.parametrize("name", LOSSES)
def test_every_pair_has_its_own_loss_whatever_stands_beside_it(name: Variant) -> None:
    loss = LOSSES[name]
    both = loss(torch.cat([RATIOS, -RATIOS]), torch.cat([TOKENS, TOKENS]), 0.5, 0.1)
    assert both.shape == (2,)
    assert both[:1].tolist() == loss(RATIOS, TOKENS, 0.5, 0.1).tolist()
