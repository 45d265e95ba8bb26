"""Attention by segments out of plain matrix products, for processors and for full precision."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from openbezoar.training.packing import Segment

__all__ = ["block_attention"]

QUERIES = 128
"""Queries of a block: fewer give small products, more compute what lies above the diagonal."""
KEPT_KEYS = 1024
"""The weights of blocks with more keys are computed again in the backward pass, to save memory."""


def block_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: Sequence[Segment],
    scale: float,
    window: int | None = None,
) -> torch.Tensor:
    """Softmax attention in blocks of queries; shapes as in `segment_attention`.

    With a `window`, a token sees so many of the last tokens, itself included. Heads that share a
    key are rows of one product, so keys are never repeated. Gradients of keys add up in float32.
    """
    return _Blocks.apply(query, key, value, segments, scale, window)


class _Block(NamedTuple):
    """Queries start..stop of the row against the first `keys` keys of their segment."""

    start: int
    stop: int
    keys: int


class _Blocks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> torch.Tensor:
        query, key, value, segments, scale, window = inputs
        groups = query.shape[1] // key.shape[1]
        found = query.new_empty(query.shape[2], query.shape[1], value.shape[-1])
        queries, out = _by_key(query, groups), _by_key(found.transpose(0, 1)[None], groups)
        kept = []
        for segment in segments:
            keys, values = _seen(key, segment), _seen(value, segment)
            for start, stop, seen in _blocks(segment):
                asked = _scaled(queries[:, :, start:stop], scale)
                weights = _weights(asked, keys[:, :seen], stop - start, window)
                product = torch.bmm(weights.flatten(1, 2), values[:, :seen])
                out[:, :, start:stop] = product.unflatten(1, (groups, -1))
                kept += [weights] if seen <= KEPT_KEYS else []
        ctx.save_for_backward(query, key, value, *kept)
        ctx.segments, ctx.scale, ctx.window = segments, scale, window
        return found[None]

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[Any, ...]:
        query, key, value, *kept = ctx.saved_tensors
        weights_kept = iter(kept)
        groups = query.shape[1] // key.shape[1]
        queries, given = _by_key(query, groups), _by_key(gradients[0].transpose(1, 2), groups)
        of_query = torch.empty_like(query)
        of_queries = _by_key(of_query, groups)
        of_key, of_value = (torch.zeros_like(one[0], dtype=torch.float32) for one in (key, value))
        for segment in ctx.segments:
            keys, values = _seen(key, segment), _seen(value, segment)
            for start, stop, seen in _blocks(segment):
                asked = _scaled(queries[:, :, start:stop], ctx.scale)
                weights = (
                    next(weights_kept)
                    if seen <= KEPT_KEYS
                    else _weights(asked, keys[:, :seen], stop - start, ctx.window)
                ).flatten(1, 2)
                of_out = given[:, :, start:stop].flatten(1, 2)
                _add(of_value, torch.bmm(weights.mT, of_out), segment)
                of_weights = torch.bmm(of_out, values[:, :seen].mT)
                of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
                _add(of_key, torch.bmm(of_scores.mT, asked.flatten(1, 2)), segment)
                product = torch.bmm(of_scores, keys[:, :seen]).unflatten(1, (groups, -1))
                torch.mul(product, ctx.scale, out=of_queries[:, :, start:stop])
        of_both = of_key[None].to(key.dtype), of_value[None].to(value.dtype)
        return of_query, *of_both, None, None, None


def _blocks(segment: Segment) -> Iterator[_Block]:
    before = segment.keys - segment.stop
    for start in range(segment.start, segment.stop, QUERIES):
        stop = min(start + QUERIES, segment.stop)
        yield _Block(start, stop, before + stop)


def _by_key(tensor: torch.Tensor, groups: int) -> torch.Tensor:
    """(1, heads, tokens, size) as (key heads, heads of each, tokens, size)."""
    return tensor[0].unflatten(0, (-1, groups))


def _seen(tensor: torch.Tensor, segment: Segment) -> torch.Tensor:
    own = tensor[0, :, segment.start : segment.stop]
    if segment.keys == segment.queries:
        return own
    return torch.cat([tensor[0, :, segment.prefix_start : segment.prefix_stop], own], dim=1)


def _add(whole: torch.Tensor, part: torch.Tensor, segment: Segment) -> None:
    """Add what belongs to a segment's first keys to where those keys lie in the row."""
    prefix = segment.keys - segment.queries
    whole[:, segment.start : segment.start + part.shape[1] - prefix].add_(part[:, prefix:])
    if prefix:
        whole[:, segment.prefix_start : segment.prefix_stop].add_(part[:, :prefix])


def _scaled(queries: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.mul(queries, scale, out=queries.new_empty(queries.shape))


def _weights(
    asked: torch.Tensor, keys: torch.Tensor, queries: int, window: int | None
) -> torch.Tensor:
    """Softmax of the scores, (key heads, heads of each, queries, keys)."""
    scores = torch.bmm(asked.flatten(1, 2), keys.mT).unflatten(1, (-1, queries))
    square = scores.new_full((queries, queries), -torch.inf)
    scores[..., -queries:].add_(square.triu(1))
    seen = scores.shape[-1]
    if window is not None and seen > window:
        every = torch.ones(queries, seen, dtype=torch.bool, device=scores.device)
        scores.masked_fill_(every.tril(seen - queries - window), -torch.inf)
    return scores.softmax(-1)
