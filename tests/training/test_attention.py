"""Models of many families give packed what they give alone, or are not packed."""

from typing import Any

import pytest
import torch

from openbezoar.errors import ModelError
from openbezoar.training.attention import NAME, plain_attention, segment_attention, use_segments
from openbezoar.training.logps import lone_log_probabilities, sequence_log_probabilities
from openbezoar.training.packing import pack
from tests.training.families import some_rows, tiny

NO_CAPS = {"attn_logit_softcapping": None, "final_logit_softcapping": None}
PACKABLE: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen2": {},
    "qwen3": {},
    "gpt_neox": {},
    "phi3": {},
    "olmo2": {},
    "mistral": {"sliding_window": 100},
    "gemma2": {"sliding_window": 100, **NO_CAPS},
    "gemma3_text": {
        "sliding_window": 100,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "gpt2": {"n_embd": 32, "n_head": 4, "n_layer": 2},
}
UNPACKABLE: dict[str, dict[str, Any]] = {
    "gemma2": {},  # scores are capped
    "granite": {"logits_scaling": 8.0},
    "gpt_oss": {"num_local_experts": 2, "num_experts_per_tok": 1},  # attention with sinks
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "bloom": {},  # takes no attention of ours
    "mamba": {},
    "recurrent_gemma": {"attention_window_size": 64, "lru_width": 32, "num_hidden_layers": 3},
}


def gradients(model: torch.nn.Module, sums: torch.Tensor) -> dict[str, torch.Tensor]:
    """Those of all weights, every sequence counting otherwise."""
    model.zero_grad()
    (sums * torch.linspace(-1, 2, len(sums))).sum().backward()
    return {name: tensor.grad.clone() for name, tensor in model.named_parameters()}


@pytest.mark.parametrize("family", PACKABLE)
def test_packed_rows_give_what_their_sequences_give_alone(family: str) -> None:
    """Among them a pair whose long prompt is computed once."""
    model, packed = tiny(family, **PACKABLE[family]), pack(some_rows())
    alone = lone_log_probabilities(model, packed.sequences)
    expected = gradients(model, alone)
    assert use_segments(model)
    together = sequence_log_probabilities(model, packed)
    assert torch.allclose(together, alone, atol=1e-4, rtol=1e-6)
    for name, gradient in gradients(model, together).items():
        largest = float(expected[name].abs().max())
        assert torch.allclose(gradient, expected[name], atol=1e-3 * largest, rtol=0), name


@pytest.mark.parametrize("family", UNPACKABLE)
def test_what_segments_do_not_describe_is_computed_one_at_a_time(family: str) -> None:
    model, packed = tiny(family, **UNPACKABLE[family]), pack(some_rows())
    before = model.config._attn_implementation
    with torch.no_grad():
        alone = lone_log_probabilities(model, packed.sequences)
        assert not use_segments(model)
        found = sequence_log_probabilities(model, packed)
    assert torch.equal(found, alone)
    assert model.config._attn_implementation == before


def test_plain_attention_is_transformers_own_and_ends() -> None:
    model = tiny("llama")
    use_segments(model)
    with plain_attention(model):
        assert model.config._attn_implementation == "eager"
    assert model.config._attn_implementation == NAME


def test_without_segments_all_tokens_are_one() -> None:
    model, ids = tiny("llama"), torch.arange(9)[None]
    with torch.no_grad():
        expected = model(input_ids=ids).logits
        use_segments(model)
        assert torch.allclose(model(input_ids=ids).logits, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("tokens", "mask", "settings"),
    [
        ((1, 3, 3), None, {"softcap": 50.0}),
        ((1, 3, 3), torch.ones(1, 1, 3, 3), {}),
        ((2, 3, 3), None, {}),
        ((1, 1, 3), None, {}),
    ],
)
def test_what_would_be_ignored_is_refused(
    tokens: tuple[int, int, int], mask: torch.Tensor | None, settings: dict[str, float]
) -> None:
    rows, queries, keys = tokens
    query, key = torch.zeros(rows, 2, queries, 4), torch.zeros(rows, 2, keys, 4)
    with pytest.raises(ModelError, match="attention"):
        segment_attention(torch.nn.Module(), query, key, key, mask, **settings)


def test_the_scale_of_the_model_is_used() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, 5, 4) for _ in range(3))
    found, _ = segment_attention(torch.nn.Module(), query, key, value, None, scaling=0.1)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, is_causal=True, scale=0.1
    )
    assert torch.allclose(found, expected.transpose(1, 2), atol=1e-6)
