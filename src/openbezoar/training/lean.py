"""Layers with fewer passes over memory: norms of frozen weight, gates, products of an adapter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["use_lean_layers"]

Forward = Callable[[torch.Tensor], torch.Tensor]
ROWS = 128
"""Tokens of a norm at a time on a processor: their float32 values stay in its cache."""


def use_lean_layers(model: Any) -> None:
    """Make a model with an adapter compute what it computed, with less memory and time.

    A norm or a gated layer is exchanged only where the other gives the same bits. An adapter's
    products are made in the model's precision, as mixed precision does, instead of in float32; its
    weights stay float32.
    """
    from peft.tuners.lora import LoraLayer

    for module in list(model.modules()):
        if isinstance(module, LoraLayer):
            _multiply_in_input_precision(module)
        elif lean := _lean(module):
            module.forward = lean


def _multiply_in_input_precision(adapter: Any) -> None:
    both = adapter.lora_A, adapter.lora_B
    inner = [layer for layers in both for layer in layers.values()]
    if all(type(layer) is torch.nn.Linear and layer.bias is None for layer in inner):
        adapter.cast_input_dtype_enabled = False
        for layers in both:
            for name, layer in layers.items():
                layers[name] = _in_input_precision(layer)


class _InInputPrecision(torch.nn.Linear):
    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(states, self.weight.to(states.dtype))


def _in_input_precision(layer: torch.nn.Linear) -> _InInputPrecision:
    made = _InInputPrecision(layer.in_features, layer.out_features, bias=False, device="meta")
    made.weight = layer.weight
    return made


def _lean(module: Any) -> Forward | None:
    """What may be called instead of the module; it is asked itself, with a few states.

    Families of models compute what goes by the same name in several ways.
    """
    weight = getattr(module, "weight", None)
    if hasattr(module, "variance_epsilon") and weight is not None and not weight.requires_grad:
        return _same(module, _LeanNorm(weight, module.variance_epsilon), len(weight), weight)
    up = getattr(module, "up_proj", None)
    if isinstance(up, torch.nn.Linear) and hasattr(module, "gate_proj"):
        return _same(module, _LeanGate(module), up.in_features, next(module.parameters()))
    return None


def _same(module: Any, lean: Forward, width: int, like: torch.Tensor) -> Forward | None:
    stream = torch.Generator().manual_seed(0)
    dtype = like.dtype if like.is_floating_point() else torch.bfloat16
    states = torch.randn(1, 4, width, generator=stream).to(like.device, dtype)
    with torch.no_grad():
        return lean if torch.equal(module(states), lean(states)) else None


@dataclass
class _LeanNorm:
    """A norm's `forward`."""

    weight: torch.Tensor
    epsilon: float

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        return _RootMeanSquareNorm.apply(states, self.weight, self.epsilon)


@dataclass
class _LeanGate:
    """The `forward` of a layer with a gate (arXiv 2002.05202)."""

    layer: Any

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layer.down_proj(
            _Gated.apply(self.layer.gate_proj(states), self.layer.up_proj(states))
        )
        return found


class _Gated(torch.autograd.Function):
    """silu(gate) * up; of the three only two are kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> torch.Tensor:
        gate, up = inputs
        ctx.save_for_backward(gate, up)
        return torch.nn.functional.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[Any, ...]:
        gate, up = ctx.saved_tensors
        (given,) = gradients
        of_up = torch.nn.functional.silu(gate).mul_(given)
        return torch.ops.aten.silu_backward(given * up, gate), of_up


class _RootMeanSquareNorm(torch.autograd.Function):
    """x / sqrt(mean(x^2) + epsilon) * weight (arXiv 1910.07467), worked out in float32.

    What is kept for the backward pass is the input and one number a token.
    """

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> torch.Tensor:
        states, weight, epsilon = inputs
        states = states.contiguous()
        found, scales = torch.empty_like(states), states.new_empty(
            (*states.shape[:-1], 1), dtype=torch.float32
        )  # fmt: skip
        for x, y, scale in _pieces(states, found, scales):
            wide = x.float()
            scale.copy_(wide.square().mean(-1, keepdim=True).add_(epsilon).rsqrt_())
            y.copy_(wide * scale)
        ctx.save_for_backward(states, weight, scales)
        return found.mul_(weight)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[Any, ...]:
        states, weight, scales = ctx.saved_tensors
        found = torch.empty_like(states)
        wide_weight = weight.float()
        for x, given, y, scale in _pieces(states, gradients[0].contiguous(), found, scales):
            normed = x * scale
            of_normed = given * wide_weight
            along = (of_normed * normed).mean(-1, keepdim=True)
            y.copy_(of_normed.addcmul_(normed, along, value=-1).mul_(scale))
        return found, None, None


def _pieces(*tensors: torch.Tensor) -> Any:
    flat = [tensor.view(-1, tensor.shape[-1]) for tensor in tensors]
    rows = ROWS if flat[0].device.type == "cpu" else max(1, len(flat[0]))
    return zip(*(tensor.split(rows) for tensor in flat), strict=True)
