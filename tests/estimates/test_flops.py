"""The operations of a step are those that a pencil counts."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from openbezoar.estimates.flops import Sizes, step_flops

ONE = Sizes(hidden=4, inner=5, layers=1, heads=2, key_heads=1, head=3, vocabulary=7, rank=2)


def test_one_layer_is_what_a_pencil_counts() -> None:
    """A sequence of 3 tokens, 2 of them predicted.

    Outputs: queries 6, keys 3, values 3. Weights: 4 * 12 + 6 * 4 + 3 * 4 * 5 = 132 frozen; adapter
    down 3 * 4 * 2 = 24, up 12 * 2 = 24. Forward: 2 * 3 * (132 + 24 + 24) = 1080. Backward through
    frozen weights, without the first projections: 2 * 3 * (132 - 48) = 504; the adapter's weights
    and what flows through them: 2 * 3 * (24 + 24) + 2 * 3 * 24 = 432. Six pairs in heads of 6 wide:
    two products forward, four backward, 6 * 2 * 6 * 6 = 432. Head: 2 * 2 * 2 * 4 * 7 = 224.
    """
    assert step_flops(ONE, [3], 2) == 1080 + 504 + 432 + 432 + 224


def test_a_second_layer_also_sends_gradients_through_its_projections() -> None:
    two = replace(ONE, layers=2)
    assert step_flops(two, [3], 2) - step_flops(ONE, [3], 2) == 1080 + 504 + 432 + 432 + 2 * 3 * (
        48 + 24
    )


def test_sequences_apart_need_less_than_one_as_long() -> None:
    pairs_apart, pairs_together = 3 + 3, 10
    more = step_flops(ONE, [4], 2) - step_flops(ONE, [2, 2], 2)
    assert more == 12 * 6 * (pairs_together - pairs_apart)


@pytest.mark.parametrize(("head", "expected"), [(None, 2), (3, 3)])
def test_sizes_are_read_from_a_configuration(head: int | None, expected: int) -> None:
    config = SimpleNamespace(
        hidden_size=4,
        intermediate_size=5,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=head,
        vocab_size=7,
    )
    assert Sizes.of(config, rank=2) == replace(ONE, head=expected)
