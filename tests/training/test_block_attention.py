"""Attention in blocks equals dense attention under the mask that the segments describe."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from openbezoar.training.block_attention import KEPT_KEYS, QUERIES, block_attention
from openbezoar.training.packing import Segment

Three = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def layout(rows: list[tuple[int, int, list[int]]]) -> tuple[Segment, ...]:
    """Of each row the first length, how much of it is shared, the others' own lengths."""
    segments, end = [], 0
    for length, shared, others in rows:
        first = end
        segments.append(Segment(first, end := first + length, first, first))
        for other in others:
            segments.append(Segment(end, end + other, first, first + shared))
            end += other
    return tuple(segments)


LENGTH = some.one_of(some.integers(1, 20), some.integers(QUERIES - 2, 2 * QUERIES + 40))
ROW = LENGTH.flatmap(
    lambda length: some.tuples(
        some.just(length), some.integers(0, length), some.lists(LENGTH, max_size=2)
    )
)
LAYOUTS = some.lists(ROW, min_size=1, max_size=3).map(layout)


def projections(tokens: int, heads: int = 4) -> Three:
    draw = torch.Generator().manual_seed(0)
    shapes = [(1, heads, tokens, 8), (1, 2, tokens, 8), (1, 2, tokens, 5)]
    query, key, value = (torch.randn(shape, generator=draw) for shape in shapes)
    return query.requires_grad_(), key.requires_grad_(), value.requires_grad_()


def dense(three: Three, segments: tuple[Segment, ...], window: int | None) -> torch.Tensor:
    """Softmax attention written out, each query with the keys that its segment names."""
    query, key, value = three
    groups = query.shape[1] // key.shape[1]
    key, value = (tensor.repeat_interleave(groups, dim=1) for tensor in (key, value))
    hidden = torch.ones(query.shape[2], query.shape[2], dtype=torch.bool)
    for one in segments:
        prefix = list(range(one.prefix_start, one.prefix_stop))
        for at in range(one.start, one.stop):
            hidden[at, [*prefix, *range(one.start, at + 1)][-(window or one.keys) :]] = False
    scores = (0.3 * query @ key.mT).masked_fill(hidden, -torch.inf)
    return (scores.softmax(-1) @ value).transpose(1, 2)


def assert_is_dense(segments: tuple[Segment, ...], window: int | None = None) -> None:
    ours, reference = (projections(segments[-1].stop) for _ in range(2))
    found = block_attention(*ours, segments, 0.3, window)
    expected = dense(reference, segments, window)
    assert torch.allclose(found, expected, atol=1e-5)
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    for one, other in zip(ours, reference, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-4, rtol=1e-4)


@settings(max_examples=30)
@given(LAYOUTS)
def test_segments_see_their_prefix_and_themselves_alone(segments: tuple[Segment, ...]) -> None:
    assert_is_dense(segments)


@settings(max_examples=30)
@given(LAYOUTS, some.integers(1, 2 * QUERIES))
def test_a_window_reaches_back_into_the_prefix(segments: tuple[Segment, ...], window: int) -> None:
    assert_is_dense(segments, window)


def test_weights_that_are_computed_again_give_the_same_gradients() -> None:
    assert_is_dense(layout([(KEPT_KEYS + 70, 30, [150]), (40, 0, [])]))


def like(three: Three, dtype: torch.dtype) -> Three:
    query, key, value = (tensor.detach().to(dtype).requires_grad_() for tensor in three)
    return query, key, value


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_other_segments_hold_changes_no_bit(dtype: torch.dtype) -> None:
    segments = layout([(9, 5, [4]), (150, 0, []), (20, 20, [3])])
    three = like(projections(segments[-1].stop), dtype)
    before = block_attention(*three, segments, 0.3)
    for tensor in three:
        tensor[:, :, 13:163] = 1000.0
    after = block_attention(*three, segments, 0.3)
    assert torch.equal(before[:, :13], after[:, :13])
    assert torch.equal(before[:, 163:], after[:, 163:])
    assert not torch.equal(before[:, 13:163], after[:, 13:163])


def test_gradients_of_shared_keys_add_up_in_float32() -> None:
    """Sixty answers to one prompt: in bfloat16 the later ones would no longer count."""
    segments = layout([(8, 8, [3] * 60)])
    exact = projections(segments[-1].stop)
    rough = like(exact, torch.bfloat16)
    block_attention(*exact, segments, 0.3).sum().backward()
    block_attention(*rough, segments, 0.3).sum().backward()
    expected, found = exact[2].grad[0, :, :8], rough[2].grad[0, :, :8]
    assert torch.allclose(found.float(), expected, rtol=0.01)
