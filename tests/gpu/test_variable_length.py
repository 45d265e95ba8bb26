"""The CUDA kernel gives what plain products in float32 give."""

import pytest
import torch

from openbezoar.training.block_attention import block_attention
from openbezoar.training.packing import Segment
from openbezoar.training.variable_length import variable_length_attention
from tests.training.test_block_attention import Three, layout, like

pytestmark = pytest.mark.gpu

LAYOUTS = [
    layout([(7, 0, []), (300, 0, [])]),
    layout([(200, 150, [40, 1]), (5, 5, [2]), (1, 0, [])]),
]


def projections(tokens: int, dtype: torch.dtype) -> Three:
    draw = torch.Generator(device="cuda").manual_seed(0)
    shapes = [(1, 6, tokens, 64), (1, 2, tokens, 64), (1, 2, tokens, 64)]
    query, key, value = (torch.randn(shape, generator=draw, device="cuda") for shape in shapes)
    return like(like((query, key, value), torch.bfloat16), dtype)


@pytest.mark.parametrize("window", [None, 1, 60])
@pytest.mark.parametrize("segments", LAYOUTS)
def test_values_and_gradients_are_those_of_plain_products(
    segments: tuple[Segment, ...], window: int | None
) -> None:
    tokens = segments[-1].stop
    ours, reference = projections(tokens, torch.bfloat16), projections(tokens, torch.float32)
    found = variable_length_attention(*ours, segments, 0.125, window)
    expected = block_attention(*reference, segments, 0.125, window)
    assert torch.allclose(found.float(), expected, atol=0.02)
    found.float().sum().backward()
    expected.sum().backward()
    for one, other in zip(ours, reference, strict=True):
        assert torch.allclose(one.grad.float(), other.grad, atol=0.05, rtol=0.02)
