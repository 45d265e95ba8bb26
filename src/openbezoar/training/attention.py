"""Attention over packed rows, exact and without padding: who sees whom is said by `Segment`s."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import torch
from transformers import AttentionInterface

from openbezoar.errors import ModelError
from openbezoar.training.block_attention import block_attention
from openbezoar.training.packing import Segment
from openbezoar.training.variable_length import runs_variable_length, variable_length_attention

__all__ = ["NAME", "plain_attention", "segment_attention", "use_segments"]

NAME = "openbezoar_segments"
OBEYED = frozenset({"scaling", "sliding_window", "segments"})
"""The settings of a layer that change what comes out, and that are heard."""
HARMLESS = frozenset(
    {"cache_position", "dropout", "output_router_logits", "position_ids", "use_cache"}
)
"""Those that say nothing beyond the segments; attention weights get no dropout here."""
LAYERS = frozenset({"full_attention", "sliding_attention"})
"""What transformers calls layers without a state that goes from token to token."""
_UNPACKABLE: WeakSet[Any] = WeakSet()


def use_segments(model: Any) -> bool:
    """Make the model's layers call `segment_attention`, if that gives what the model means.

    They then take `segments=...`. False, and the model is left as it was, when its layers carry a
    state from token to token, ask for attention of another kind, or logits are more than the
    output layer of the last hidden state.
    """
    if model.config._attn_implementation == NAME:
        return True
    if model in _UNPACKABLE:
        return False
    before = model.config._attn_implementation
    AttentionInterface.register(NAME, segment_attention)
    if model._supports_attention_backend:
        model.set_attn_implementation(NAME)
        if _is_understood(model):
            return True
        model.set_attn_implementation(before)
    _UNPACKABLE.add(model)
    return False


@contextmanager
def plain_attention(model: Any) -> Iterator[None]:
    """Let the model compute its attention as transformers writes it out."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def segment_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Every segment's tokens see its prefix and one another causally, in the query's precision.

    `query` has shape (1, heads, tokens, size), `key` and `value` (1, key heads, tokens, size);
    `settings["segments"]` divides the tokens, and without it all tokens are one segment. Returns
    (1, tokens, heads, size). ModelError when the layer asks for more than this.
    """
    given = {name for name, setting in settings.items() if setting is not None}
    if more := sorted(given - OBEYED - HARMLESS):
        raise _NotUnderstoodError(f"{type(module).__name__} asks for attention with {more[0]}")
    if attention_mask is not None or query.shape[0] > 1 or query.shape[2] != key.shape[2]:
        raise _NotUnderstoodError("attention by segments takes one row, no mask and no cache")
    segments = tuple(settings.get("segments") or [Segment(0, query.shape[2], 0, 0)])
    scale = float(settings.get("scaling") or query.shape[-1] ** -0.5)
    attend: Callable[..., torch.Tensor] = (
        variable_length_attention if runs_variable_length(query, value) else block_attention
    )
    return attend(query, key, value, segments, scale, settings.get("sliding_window")), None


class _NotUnderstoodError(ModelError):
    """A layer asks for attention of a kind that segments do not give."""


@torch.no_grad()
def _is_understood(model: Any) -> bool:
    """Ask the model itself, with a few tokens."""
    if set(getattr(model.config, "layer_types", None) or ()) - LAYERS:
        return False
    seen: list[torch.Tensor] = []
    hook = model.get_output_embeddings().register_forward_hook(
        lambda module, inputs, output: seen.append(output)
    )
    try:
        logits = model(input_ids=torch.arange(1, 9, device=model.device)[None]).logits
    except _NotUnderstoodError:
        return False
    finally:
        hook.remove()
    return len(seen) == 1 and torch.equal(seen[0], logits)
