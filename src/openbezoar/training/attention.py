"""The attention mask of packed sequences: causal, and each sequence sees itself alone."""

import torch

__all__ = ["block_causal_mask"]


def block_causal_mask(segments: torch.Tensor) -> torch.Tensor:
    """True where a query may see a key: shape (1, 1, tokens, tokens) from segments (1, tokens)."""
    same = segments[0, :, None] == segments[0, None, :]
    return torch.tril(same)[None, None]
