"""Attention over packed sequences: each sees itself alone, causally, without a mask."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

__all__ = ["NAME", "segment_attention", "use_segments"]

NAME = "openbezoar_segments"


def use_segments(model: Any) -> None:
    """Make the model's layers call `segment_attention`; they then take `segments=[lengths]`."""
    AttentionInterface.register(NAME, segment_attention)
    if model.config._attn_implementation != NAME:
        model.set_attn_implementation(NAME)


def segment_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each segment of one packed row, in the query's precision.

    `query` has shape (1, heads, tokens, size), `key` and `value` (1, key heads, tokens, size); the
    lengths in `settings["segments"]` add up to `tokens`, and without them all tokens are one
    segment. Returns (1, tokens, heads, size). Work grows with the sum of squared lengths, not with
    the square of the sum.
    """
    lengths: Sequence[int] = settings.get("segments") or [query.shape[2]]
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scale = settings.get("scaling")
    parts = zip(*(tensor.split(lengths, dim=2) for tensor in (query, key, value)), strict=True)
    found = [
        scaled_dot_product_attention(query, key, value, is_causal=True, scale=scale)
        for query, key, value in parts
    ]
    return torch.cat(found, dim=2).transpose(1, 2).contiguous(), None
