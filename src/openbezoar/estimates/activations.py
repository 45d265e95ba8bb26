"""What training keeps of a token until the backward pass, counted from the layers that it runs."""

from openbezoar.estimates.flops import Sizes
from openbezoar.estimates.memory import has_gpu
from openbezoar.estimates.shapes import Shape
from openbezoar.stages.train import TrainStage
from openbezoar.training.adapters import Lora

__all__ = ["kept_bytes", "logit_bytes"]

BLOCK, KEPT_KEYS = 128, 1024
"""The queries of a block of attention, and the keys beyond which its weights are not kept."""
CHUNK, ROWS = 256, 16
"""Positions whose logits are held at a time, and those at work in float32 on a processor."""


def kept_bytes(shape: Shape, tokens: float, stage: TrainStage) -> float:
    """The bytes that each token of a sequence of so many leaves in all layers together.

    With w bytes a number, h the hidden size, f the inner one, q and k the widths of all heads and
    of all key heads, n the heads, and s the keys that a query's block holds, a layer keeps

        two norms                 2 (w h + 4)               the input, one number a token
        attention                 w (q + 2 k) + w n s       on a GPU w q + 4 n in place of w n s
        gated layer               2 w f                     3 w f where `up_proj` has an adapter
        each adapter              2 w i + w r               i its input, r its rank: dropout's mask
                                                            (of bytes on a GPU) and its product
        without dropout           w r, and w i for each input that adapters share

    and where all weights learn, in transformers' own layers, 2 * 3 w h for the norms, w (2 q + 2 k)
    + w n s for attention and 4 w f for the gated layer. Recomputed layers keep their input alone.
    """
    sizes, width = shape.sizes, _width(stage)
    on_gpu = has_gpu(stage.runtime.device)
    fused = on_gpu and width == 2
    layer = float(width * (sizes.heads + 2 * sizes.key_heads) * sizes.head)
    if fused:
        layer += width * sizes.heads * sizes.head + 4 * sizes.heads
    else:
        layer += width * sizes.heads * _block_keys(tokens)
    if stage.lora is None:
        layer += width * (6 * sizes.hidden + sizes.heads * sizes.head + 4 * sizes.inner)
    else:
        gated = 3 if "up_proj" in stage.lora.targets else 2
        layer += 2 * (width * sizes.hidden + 4) + gated * width * sizes.inner
        layer += _adapters(sizes, stage.lora, width, 1 if on_gpu else width)
    last = width * sizes.hidden * (3 if stage.lora is None else 1)
    if stage.runtime.recompute:
        return sizes.layers * width * sizes.hidden + layer + last
    return sizes.layers * layer + last


def logit_bytes(shape: Shape, stage: TrainStage) -> float:
    """The bytes of the positions whose logits are at work together.

    A frozen output layer turns its logits into their slopes where they lie; one that learns has
    them, their logarithms and the slopes of both.
    """
    width, vocabulary = _width(stage), shape.sizes.vocabulary
    if stage.lora is None:
        return 4.0 * width * CHUNK * vocabulary
    rows = CHUNK if has_gpu(stage.runtime.device) else ROWS
    wide = 0 if width == 4 else 4 * rows
    return float(vocabulary * (width * CHUNK + wide))


def _width(stage: TrainStage) -> int:
    """The bytes of a number between the layers."""
    return 4 if stage.precision == "float32" else 2


def _block_keys(tokens: float) -> float:
    """How many keys a token's block of queries holds weights for, on average."""
    if tokens <= BLOCK:
        return tokens
    kept = min(tokens, KEPT_KEYS)
    return kept * (kept + BLOCK) / 2 / tokens


def _adapters(sizes: Sizes, lora: Lora, width: int, mask: int) -> float:
    """What the adapters of a layer keep; `mask` is the bytes of dropout's mask for each number."""
    heads = sizes.heads * sizes.head
    inputs = {
        "q_proj": ("hidden", sizes.hidden), "k_proj": ("hidden", sizes.hidden),
        "v_proj": ("hidden", sizes.hidden), "o_proj": ("heads", heads),
        "gate_proj": ("between", sizes.hidden), "up_proj": ("between", sizes.hidden),
        "down_proj": ("inner", sizes.inner),
    }  # fmt: skip
    read = [inputs[name] for name in lora.targets if name in inputs]
    kept = [size for _, size in (read if lora.dropout else dict.fromkeys(read))]
    return (width + mask * bool(lora.dropout)) * sum(kept) + width * lora.r * len(read)
