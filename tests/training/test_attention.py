"""Packed attention equals plain causal attention on each sequence alone."""

from collections.abc import Callable

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from openbezoar.training.attention import segment_attention, use_segments


def projections(tokens: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    shapes = [(1, 4, tokens, 8), (1, 2, tokens, 8), (1, 2, tokens, 8)]
    query, key, value = (torch.randn(shape, generator=draw) for shape in shapes)
    return query, key, value


def plain(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Softmax attention written out, heads of a group sharing their key and value."""
    key, value = key.repeat_interleave(2, dim=1), value.repeat_interleave(2, dim=1)
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    hidden = torch.ones_like(scores[0, 0], dtype=torch.bool).triu(1)
    return (scores.masked_fill(hidden, -torch.inf).softmax(-1) @ value).transpose(1, 2)


@pytest.mark.parametrize("lengths", [[7], [3, 4], [1, 5, 1]])
def test_each_segment_attends_to_itself_alone(lengths: list[int]) -> None:
    whole = projections(7)
    found, _ = segment_attention(torch.nn.Module(), *whole, None, segments=lengths)
    parts = zip(*(tensor.split(lengths, dim=2) for tensor in whole), strict=True)
    expected = torch.cat([plain(*part) for part in parts], dim=1)
    assert torch.allclose(found, expected, atol=1e-5)


def test_without_segments_all_tokens_are_one() -> None:
    whole = projections(5)
    found, _ = segment_attention(torch.nn.Module(), *whole, None)
    assert torch.allclose(found, plain(*whole), atol=1e-5)


def test_the_scale_of_the_model_is_used() -> None:
    query, key, value = projections(4)
    found, _ = segment_attention(torch.nn.Module(), query, key, value, None, scaling=0.1)
    key, value = key.repeat_interleave(2, dim=1), value.repeat_interleave(2, dim=1)
    expected = scaled_dot_product_attention(query, key, value, is_causal=True, scale=0.1)
    assert torch.allclose(found, expected.transpose(1, 2), atol=1e-6)


def llama() -> torch.nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2,
        )
    )  # fmt: skip


def qwen() -> torch.nn.Module:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        )
    )  # fmt: skip


@pytest.mark.parametrize("family", [llama, qwen])
def test_a_packed_row_gives_the_logits_of_its_sequences(
    family: Callable[[], torch.nn.Module],
) -> None:
    torch.manual_seed(0)
    model = family().eval()
    sequences = [torch.randint(64, (1, length)) for length in (5, 9, 3)]
    with torch.no_grad():
        expected = torch.cat([model(input_ids=one).logits for one in sequences], dim=1)
        use_segments(model)
        positions = torch.cat([torch.arange(one.shape[1]) for one in sequences])[None]
        found = model(
            input_ids=torch.cat(sequences, dim=1), position_ids=positions, segments=[5, 9, 3],
            use_cache=False,
        ).logits  # fmt: skip
    assert torch.allclose(found, expected, atol=1e-4)
