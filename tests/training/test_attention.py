"""The mask lets a token see its own sequence's past and nothing else."""

import torch

from openbezoar.training.attention import block_causal_mask


def test_the_mask_of_two_sequences_is_two_triangles() -> None:
    mask = block_causal_mask(torch.tensor([[0, 0, 1, 1, 1]]))
    assert mask.shape == (1, 1, 5, 5)
    assert mask[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 1, 1, 1],
    ]
