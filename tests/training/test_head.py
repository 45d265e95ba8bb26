"""Log-probabilities and gradients in pieces are those of all logits at once."""

import pytest
import torch
from torch.nn.functional import linear

from openbezoar.training.head import CHUNK, token_log_probabilities

POSITIONS = 2 * CHUNK + 30


def layer(trained: bool, bias: bool = False) -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(16, 50, bias=bias).requires_grad_(trained)


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    states = 3 * torch.randn(POSITIONS, 16, generator=draw)
    return states.requires_grad_(), torch.randint(50, (POSITIONS,), generator=draw)


def plain(head: torch.nn.Linear, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    logits = linear(states, head.weight, head.bias)
    return logits.log_softmax(-1)[torch.arange(len(states)), targets]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("trained", [False, True])
def test_values_and_gradients_are_those_of_all_logits(trained: bool, bias: bool) -> None:
    head, other = layer(trained, bias), layer(trained, bias)
    weights = torch.linspace(-1, 2, POSITIONS)
    (states, targets), (reference, _) = inputs(), inputs()
    found, expected = (
        token_log_probabilities(head, states, targets),
        plain(other, reference, targets),
    )
    assert torch.allclose(found, expected, atol=1e-5)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    tensors = zip([states, *head.parameters()], [reference, *other.parameters()], strict=True)
    for one, two in tensors:
        assert (one.grad is None) == (two.grad is None) == (not one.requires_grad)
        assert one.grad is None or torch.allclose(one.grad, two.grad, atol=1e-5)


@pytest.mark.parametrize("trained", [False, True])
def test_a_wrapped_layer_is_asked_itself(trained: bool) -> None:
    """An adapter on the output layer must count, and must learn."""
    wrap = torch.nn.Linear(50, 50).requires_grad_(trained)
    states, targets = inputs()
    found = token_log_probabilities(torch.nn.Sequential(layer(False), wrap), states, targets)
    found.sum().backward()
    expected = wrap(layer(False)(states)).log_softmax(-1)[torch.arange(POSITIONS), targets]
    assert torch.allclose(found, expected, atol=1e-5)
    assert (wrap.weight.grad is not None) == trained


def test_a_nearly_certain_token_still_has_an_exact_gradient() -> None:
    """p = 1 - 2e-4, which bfloat16 rounds to 1; the slope is (1 - p)(w0 - w1), that is 4e-4."""
    head = torch.nn.Linear(1, 2, bias=False).requires_grad_(False).to(torch.bfloat16)
    head.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    states = torch.full((1, 1), 4.25, dtype=torch.bfloat16, requires_grad=True)
    token_log_probabilities(head, states, torch.tensor([0])).sum().backward()
    p = torch.tensor(8.5).sigmoid()
    assert states.grad is not None
    assert float(states.grad) == pytest.approx(float(2 * (1 - p)), rel=0.02)


@pytest.mark.parametrize("trained", [False, True])
def test_probabilities_are_taken_in_float32_of_half_precision_logits(trained: bool) -> None:
    head = layer(trained).to(torch.bfloat16)
    states, targets = inputs()
    half = states.detach().to(torch.bfloat16)
    found = token_log_probabilities(head, half, targets)
    expected = head(half).float().log_softmax(-1)[torch.arange(POSITIONS), targets]
    assert found.dtype == torch.float32
    assert torch.allclose(found, expected, atol=1e-6)


def test_no_positions_give_no_values() -> None:
    found = token_log_probabilities(
        layer(trained=False), torch.zeros(0, 16), torch.zeros(0, dtype=torch.long)
    )
    assert found.shape == (0,)
