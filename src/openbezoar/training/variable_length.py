"""Attention by segments on CUDA: PyTorch's own variable-length flash attention."""

from functools import lru_cache
from typing import NamedTuple

import torch

from openbezoar.training.packing import Segment

__all__ = ["Lengths", "lengths_of", "runs_variable_length", "variable_length_attention"]


class Lengths(NamedTuple):
    """Segments as the kernel wants them: where each begins among the queries and the keys."""

    query_starts: torch.Tensor
    """int32, (segments + 1,)."""
    key_starts: torch.Tensor
    """int32, (segments + 1,)."""
    most_queries: int
    most_keys: int
    gather: torch.Tensor | None
    """Where in the row each key is taken from; None when every key is used once, in order."""


@lru_cache(maxsize=16)
def lengths_of(segments: tuple[Segment, ...], device: torch.device) -> Lengths:
    """Work out what the kernel needs; all layers of a micro-batch ask for the same."""
    queries = [segment.queries for segment in segments]
    keys = [segment.keys for segment in segments]
    places = [
        place
        for segment in segments
        for part in (
            range(segment.prefix_start, segment.prefix_stop),
            range(segment.start, segment.stop),
        )
        for place in part
    ]

    def starts(lengths: list[int]) -> torch.Tensor:
        ends = torch.tensor([0, *lengths]).cumsum(0)
        return ends.to(device=device, dtype=torch.int32)

    gather = None if keys == queries else torch.tensor(places, device=device)
    return Lengths(starts(queries), starts(keys), max(queries), max(keys), gather)


def runs_variable_length(query: torch.Tensor, value: torch.Tensor) -> bool:
    """Whether the kernel takes these tensors; float32 and odd sizes are left to plain products."""
    half = query.dtype in (torch.bfloat16, torch.float16)
    size = query.shape[-1]
    return query.is_cuda and half and value.shape[-1] == size and size % 8 == 0 and size <= 256


def variable_length_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: tuple[Segment, ...],
    scale: float,
    window: int | None = None,
) -> torch.Tensor:
    """The same as `block_attention`; the keys of a shared prefix are gathered, not computed twice.

    The kernel lines queries up with the last keys of their segment, which is what a prefix needs.
    """
    from torch.nn.attention.varlen import varlen_attn

    lengths = lengths_of(segments, query.device)
    query, key, value = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    if lengths.gather is not None:
        key, value = (tensor.index_select(0, lengths.gather) for tensor in (key, value))
    found = varlen_attn(
        query,
        key,
        value,
        lengths.query_starts,
        lengths.key_starts,
        lengths.most_queries,
        lengths.most_keys,
        scale=scale,
        window_size=(-1 if window is None else window - 1, 0),
        enable_gqa=True,
    )
    return found[None]
