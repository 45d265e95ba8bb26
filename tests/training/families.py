"""Tiny random models of several families, and rows of random tokens for them."""

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from openbezoar.training.format import Encoded
from tests.training.conftest import Rows

SHAPE = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip


def tiny(family: str, **settings: object) -> torch.nn.Module:
    """A model of this family, always with the same weights."""
    torch.manual_seed(0)
    config = CONFIG_MAPPING[family](**{**SHAPE, **settings})
    model: torch.nn.Module = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    return model.eval()


def some_rows() -> Rows:
    """A sequence, a pair with a long prompt, a pair with nothing in common, a longer sequence."""
    draw = torch.Generator().manual_seed(0)

    def tokens(number: int) -> list[int]:
        return torch.randint(3, 64, (number,), generator=draw).tolist()

    def answer(prompt: list[int], number: int) -> Encoded:
        return Encoded(prompt + tokens(number), [False] * len(prompt) + [True] * number)

    prompt = tokens(150)
    return [
        (answer(tokens(3), 5),),
        (answer(prompt, 4), answer(prompt, 140)),
        (answer(tokens(2), 6), answer(tokens(7), 2)),
        (answer(tokens(9), 30),),
    ]
