"""The floating-point operations that a training step needs, and how many the machine can do."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Sizes", "matmul_rate", "step_flops"]

ADAPTED = ("query", "key", "value")
"""The layers with an adapter, as in the OpenBezoar-SFT card."""
LEAST_PRODUCTS, LEAST_SECONDS = 4, 2.0


@dataclass(frozen=True)
class Sizes:
    """A Llama's sizes and the rank of the adapter on its queries, keys and values."""

    hidden: int
    inner: int
    layers: int
    heads: int
    key_heads: int
    head: int
    vocabulary: int
    rank: int

    @classmethod
    def of(cls, config: Any, rank: int) -> "Sizes":
        """The sizes in a checkpoint's configuration."""
        head = getattr(config, "head_dim", None)
        return cls(
            hidden=config.hidden_size,
            inner=config.intermediate_size,
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            key_heads=config.num_key_value_heads,
            head=head or config.hidden_size // config.num_attention_heads,
            vocabulary=config.vocab_size,
            rank=rank,
        )

    @property
    def projections(self) -> int:
        """The outputs of a layer's queries, keys and values together."""
        return (self.heads + 2 * self.key_heads) * self.head


def step_flops(sizes: Sizes, lengths: Sequence[int], predictions: int) -> int:
    """What one forward and one backward pass over sequences of these lengths need.

    With T tokens, P predicted tokens, d the hidden size, q the outputs of the queries, keys and
    values together, a the width of all heads, f the inner size, r the rank, V the vocabulary, and
    S = sum of n (n + 1) / 2 pairs of a query and a key that it may see:

        frozen  W = d q + a d + 3 d f weights a layer; A = 3 d r and B = q r of the adapter
        forward   2 T (W + A + B) + 4 S a a layer, 2 P d V for the gathered head
        backward  2 T W for the activations' gradients, 4 T (A + B) for the adapter's weights and
                  what flows through them, 8 S a a layer, 2 P d V
        less      2 T (d q + A): nothing before the first layer's projections is trained

    Frozen weights need no gradient of their own. What an engine computes twice (logits or scores
    in the backward pass, a dequantised weight) or for padding is not needed, so it is not counted.
    """
    tokens = sum(lengths)
    pairs = sum(length * (length + 1) // 2 for length in lengths)
    width = sizes.heads * sizes.head
    projections = sizes.hidden * sizes.projections
    frozen = projections + width * sizes.hidden + 3 * sizes.hidden * sizes.inner
    down = len(ADAPTED) * sizes.hidden * sizes.rank
    up = sizes.projections * sizes.rank
    layer = 4 * tokens * frozen + 6 * tokens * (down + up) + 12 * pairs * width
    head = 4 * predictions * sizes.hidden * sizes.vocabulary
    return sizes.layers * layer + head - 2 * tokens * (projections + down)


def matmul_rate(device: str) -> float:
    """The operations a second of this device's best large matrix product in bfloat16."""
    import torch

    size = 8192 if device.startswith("cuda") else 4096
    left, right = (torch.randn(size, size, device=device).bfloat16() for _ in range(2))
    seconds: list[float] = []
    while len(seconds) < LEAST_PRODUCTS or sum(seconds) < LEAST_SECONDS:
        began = time.perf_counter()
        product = torch.matmul(left, right)
        if product.is_cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds)
