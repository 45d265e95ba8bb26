"""What the CUDA kernel is told describes the same attention as the segments."""

import torch
from hypothesis import given, settings

from openbezoar.training.block_attention import block_attention
from openbezoar.training.packing import Segment
from openbezoar.training.variable_length import lengths_of, runs_variable_length
from tests.training.test_block_attention import LAYOUTS, layout, projections

CPU = torch.device("cpu")


def described(segments: tuple[Segment, ...]) -> torch.Tensor:
    """Attention written out as the kernel's documentation does.

    Sequence i has queries from query_starts[i] and keys from key_starts[i]; the last query sees
    the last key, the one before it all but the last.
    """
    lengths = lengths_of(segments, CPU)
    query, key, value = (tensor[0].transpose(0, 1) for tensor in projections(segments[-1].stop))
    if lengths.gather is not None:
        key, value = key[lengths.gather], value[lengths.gather]
    found = []
    for place in range(len(segments)):
        asked = query[lengths.query_starts[place] : lengths.query_starts[place + 1]]
        held = slice(lengths.key_starts[place], lengths.key_starts[place + 1])
        keys, values = (tensor[held].repeat_interleave(2, dim=1) for tensor in (key, value))
        assert len(asked) <= lengths.most_queries
        assert len(keys) <= lengths.most_keys
        scores = 0.3 * torch.einsum("qhd,khd->hqk", asked, keys)
        hidden = torch.ones(scores.shape[1:], dtype=torch.bool).triu(len(keys) - len(asked) + 1)
        weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        found.append(torch.einsum("hqk,khd->qhd", weights, values))
    return torch.cat(found)[None]


@settings(max_examples=40)
@given(LAYOUTS)
def test_the_index_describes_the_segments(segments: tuple[Segment, ...]) -> None:
    expected = block_attention(*projections(segments[-1].stop), segments, 0.3)
    assert torch.allclose(described(segments), expected, atol=1e-5)


def test_without_a_prefix_nothing_is_gathered() -> None:
    lengths = lengths_of(layout([(4, 0, []), (2, 0, [])]), CPU)
    assert lengths.gather is None
    assert lengths.query_starts.tolist() == lengths.key_starts.tolist() == [0, 4, 6]
    assert lengths.query_starts.dtype == torch.int32


def test_a_prefix_is_gathered_for_every_answer() -> None:
    lengths = lengths_of(layout([(3, 2, [1])]), CPU)
    assert lengths.gather is not None
    assert lengths.gather.tolist() == [0, 1, 2, 0, 1, 3]
    assert lengths.query_starts.tolist() == [0, 3, 4]
    assert lengths.key_starts.tolist() == [0, 3, 6]


def test_processors_are_left_to_plain_products() -> None:
    query = torch.zeros(1, 2, 3, 64, dtype=torch.bfloat16)
    assert not runs_variable_length(query, query)
