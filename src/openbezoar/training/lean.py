"""Layers with fewer passes over memory: norms whose weight is frozen, products of an adapter."""

from typing import Any

import torch

__all__ = ["use_lean_layers"]

ROWS = 128
"""Tokens of a norm at a time on a processor: their float32 values stay in its cache."""


def use_lean_layers(model: Any) -> None:
    """Make a model with an adapter compute what it computed, with less memory and time.

    A norm is exchanged only where the other gives the same bits. An adapter's products are made in
    the model's precision, as mixed precision does, instead of in float32; its weights stay float32.
    """
    from peft.tuners.lora import LoraLayer

    for module in list(model.modules()):
        if isinstance(module, LoraLayer):
            module.cast_input_dtype_enabled = False
            for layers in (module.lora_A, module.lora_B):
                for name, layer in layers.items():
                    layers[name] = _in_input_precision(layer)
        elif _can_be_lean(module):
            module.forward = _LeanNorm(module)


class _InInputPrecision(torch.nn.Linear):  # type: ignore[misc] # torch's types are not read
    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(states, self.weight.to(states.dtype))


def _in_input_precision(layer: torch.nn.Linear) -> _InInputPrecision:
    made = _InInputPrecision(layer.in_features, layer.out_features, bias=False, device="meta")
    made.weight = layer.weight
    return made


class _LeanNorm:
    """What a norm's module calls instead of its own `forward`."""

    def __init__(self, module: Any) -> None:
        self.weight, self.epsilon = module.weight, module.variance_epsilon

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        return _RootMeanSquareNorm.apply(states, self.weight, self.epsilon)


def _can_be_lean(module: Any) -> bool:
    """Ask the module itself, with a few states: families of models norm in several ways."""
    weight = getattr(module, "weight", None)
    if not hasattr(module, "variance_epsilon") or weight is None or weight.requires_grad:
        return False
    stream = torch.Generator().manual_seed(0)
    states = torch.randn(4, len(weight), generator=stream).to(weight.device, weight.dtype)
    return torch.equal(module(states), _LeanNorm(module)(states))


class _RootMeanSquareNorm(torch.autograd.Function):  # type: ignore[misc] # as above
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
