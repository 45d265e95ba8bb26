"""Layers with fewer passes over memory compute what the plain ones do."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from openbezoar.training.lean import ROWS, use_lean_layers

TOKENS, WIDTH = 2 * ROWS + 3, 24


def norm_of(kind: Any, dtype: torch.dtype) -> Any:
    norm = kind(WIDTH).to(dtype).requires_grad_(False)
    torch.nn.init.uniform_(norm.weight, 0.5, 2.0)
    return norm


def states_of(dtype: torch.dtype) -> torch.Tensor:
    stream = torch.Generator().manual_seed(0)
    return (3 * torch.randn(1, TOKENS, WIDTH, generator=stream)).to(dtype).requires_grad_()


def slopes(norm: Any, states: torch.Tensor) -> torch.Tensor:
    """The gradient of a sum with other weights at every place."""
    weights = torch.linspace(-1, 2, states.numel()).view_as(states).to(states.dtype)
    (found,) = torch.autograd.grad((norm(states) * weights).sum(), states)
    return found.float()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_norm_keeps_its_values_to_the_bit(dtype: torch.dtype) -> None:
    norm, states = norm_of(LlamaRMSNorm, dtype), states_of(dtype)
    before = norm(states)
    use_lean_layers(norm)
    assert "forward" in vars(norm)
    assert torch.equal(norm(states), before)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.bfloat16, 0.03)])
def test_a_norms_gradient_is_that_of_float32(dtype: torch.dtype, bound: float) -> None:
    norm, states = norm_of(LlamaRMSNorm, dtype), states_of(dtype)
    wide = norm_of(LlamaRMSNorm, torch.float32)
    wide.weight.copy_(norm.weight)
    expected = slopes(wide, states.detach().float().requires_grad_())
    use_lean_layers(norm)
    difference = (slopes(norm, states) - expected).abs().max()
    assert difference <= bound * expected.abs().max()


def test_states_that_do_not_lie_in_order_are_read_rightly() -> None:
    norm, states = norm_of(LlamaRMSNorm, torch.float32), states_of(torch.float32)
    turned = states.detach().transpose(0, 1).expand(-1, 2, -1)
    before = norm(turned)
    use_lean_layers(norm)
    assert torch.equal(norm(turned), before)


def test_a_norm_of_another_kind_is_left_alone() -> None:
    norm = norm_of(GemmaRMSNorm, torch.bfloat16)
    norm.variance_epsilon = norm.eps
    use_lean_layers(norm)
    assert "forward" not in vars(norm)


def test_a_norm_that_learns_is_left_alone() -> None:
    norm = norm_of(LlamaRMSNorm, torch.float32).requires_grad_(True)
    use_lean_layers(norm)
    assert "forward" not in vars(norm)


class Layers(torch.nn.Module):  # type: ignore[misc] # torch has types that are not read
    """One layer that can be adapted."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj = torch.nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """As the layer does."""
        return self.q_proj(states)


def adapted(dtype: torch.dtype) -> Any:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"], init_lora_weights=False)
    return get_peft_model(Layers().to(dtype), config)


def test_an_adapters_weights_stay_float32_and_learn_what_they_learned() -> None:
    plain, lean = adapted(torch.bfloat16), adapted(torch.bfloat16)
    use_lean_layers(lean)
    for model in (plain, lean):
        model(states_of(torch.bfloat16)).square().sum().backward()
    learned = [
        {name: one.grad for name, one in model.named_parameters() if one.requires_grad}
        for model in (plain, lean)
    ]
    assert learned[0].keys() == learned[1].keys()
    for name, gradient in learned[0].items():
        other = learned[1][name]
        assert other.dtype == torch.float32
        assert torch.allclose(other, gradient, atol=0.02 * float(gradient.abs().max()))


def test_in_float32_an_adapters_products_are_the_same_to_the_bit() -> None:
    plain, lean = adapted(torch.float32), adapted(torch.float32)
    use_lean_layers(lean)
    states = states_of(torch.float32)
    assert torch.equal(plain(states), lean(states))


def test_a_lean_model_is_saved_as_the_plain_one(tmp_path: Path) -> None:
    plain, lean = adapted(torch.float32), adapted(torch.float32)
    use_lean_layers(lean)
    for name, model in (("plain", plain), ("lean", lean)):
        model.save_pretrained(str(tmp_path / name))
    files = [
        (tmp_path / name / "adapter_model.safetensors").read_bytes() for name in ("plain", "lean")
    ]
    assert files[0] == files[1]


class Gated(torch.nn.Module):  # type: ignore[misc] # torch has types that are not read
    """A layer with a gate, as Llama's and many others'."""

    def __init__(self, activation: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.gate_proj, self.up_proj = (torch.nn.Linear(WIDTH, 40, bias=False) for _ in range(2))
        self.down_proj = torch.nn.Linear(40, WIDTH, bias=False)
        self.activation = activation

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """As transformers writes it."""
        return self.down_proj(self.activation(self.gate_proj(states)) * self.up_proj(states))


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-6), (torch.bfloat16, 0.02)])
def test_a_gated_layer_gives_the_same_and_learns_the_same(dtype: torch.dtype, bound: float) -> None:
    plain, lean = (Gated(torch.nn.functional.silu).to(dtype) for _ in range(2))
    use_lean_layers(lean)
    assert "forward" in vars(lean)
    states = states_of(dtype)
    assert torch.equal(plain(states), lean(states))
    expected = slopes(plain, states)
    difference = (slopes(lean, states) - expected).abs().max()
    assert difference <= bound * expected.abs().max()


def test_a_layer_with_another_gate_is_left_alone() -> None:
    layer = Gated(torch.nn.functional.gelu)
    use_lean_layers(layer)
    assert "forward" not in vars(layer)
