"""What a token is expected to leave is what the engine's own layers keep of it."""

from typing import Any

import pytest

from openbezoar.estimates.activations import BLOCK, CHUNK, KEPT_KEYS, ROWS, kept_bytes, logit_bytes
from openbezoar.estimates.flops import Sizes
from openbezoar.estimates.shapes import Shape, shape_of
from openbezoar.stages.train import TrainStage

TINY = Shape(Sizes(32, 80, 4, 4, 2, 8, 64, 4), tied=False)
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def stage(**settings: Any) -> TrainStage:
    given: dict[str, Any] = {"runtime": {"device": "cpu"}, "lora": {"r": 4}, **settings}
    return TrainStage.model_validate(
        {"start": "a", "data": "b", "objective": {"kind": "sft"}, **given}
    )


def model_for(training: TrainStage) -> Any:
    """A random Llama of this shape, ready to learn."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from openbezoar.training.adapters import attach_adapter, set_dropout
    from openbezoar.training.whole import Whole

    sizes = TINY.sizes
    config = LlamaConfig(
        vocab_size=sizes.vocabulary, hidden_size=sizes.hidden, intermediate_size=sizes.inner,
        num_hidden_layers=sizes.layers, num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.key_heads, head_dim=sizes.head,
    )  # fmt: skip
    base = LlamaForCausalLM(config).to(getattr(torch, training.precision)).eval()
    model = Whole(base) if training.lora is None else attach_adapter(base, training.lora)
    set_dropout(model, on=True)
    return model


def bytes_kept(model: Any, tokens: int) -> int:
    """All that a forward pass over one sequence saves, but for the weights."""
    import torch

    from openbezoar.training.format import Encoded
    from openbezoar.training.logps import sequence_log_probabilities
    from openbezoar.training.packing import pack

    weights = {each.untyped_storage().data_ptr() for each in model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = [3 + place % 50 for place in range(tokens)]
    row = (Encoded(ids, [False] * (tokens - 1) + [True]),)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        held = sequence_log_probabilities(model, pack([row]))
    assert held.requires_grad
    return sum(kept.values())


@pytest.mark.parametrize("tokens", [128, 512])
@pytest.mark.parametrize(
    "settings",
    [
        {"precision": "bfloat16"},
        {"precision": "float32"},
        {"precision": "bfloat16", "lora": {"r": 4, "dropout": 0}},
        {"precision": "bfloat16", "lora": {"r": 4, "targets": ALL}},
        {"precision": "bfloat16", "lora": {"r": 4, "dropout": 0, "targets": ALL}},
        {"precision": "float32", "lora": None},
    ],
    ids=str,
)
def test_a_token_leaves_what_the_layers_keep(settings: dict[str, Any], tokens: int) -> None:
    """The first layer keeps a little less: nothing before it is trained."""
    training = stage(**settings)
    kept = bytes_kept(model_for(training), tokens) / tokens
    assert kept_bytes(TINY, tokens, training) == pytest.approx(kept, rel=0.04)


def test_a_token_leaves_what_a_pencil_counts() -> None:
    """A sequence of 100 in two layers: hidden 4, inner 5, two heads of 3 and one key head, rank 2.

    Norms 2 (2 * 4 + 4) = 24, attention 2 (6 + 2 * 3) = 24 and 2 * 2 * 100 = 400 of weights, gate
    2 * 2 * 5 = 20, three adapters of 2 * 2 * 4 + 2 * 2 = 20 each; the last norm's input, 2 * 4.
    """
    shape = Shape(Sizes(4, 5, 2, 2, 1, 3, 7, 2), tied=True)
    training = stage(lora={"r": 2}, precision="bfloat16")
    assert kept_bytes(shape, 100, training) == 2 * (24 + 24 + 400 + 20 + 60) + 8


def test_long_sequences_keep_weights_up_to_a_bound() -> None:
    short, long, longer = (kept_bytes(TINY, tokens, stage()) for tokens in (64, 1024, 4096))
    assert short < longer < long


def test_recomputed_activations_are_fewer_and_a_gpu_keeps_fewer() -> None:
    kept = kept_bytes(TINY, 128, stage())
    assert kept_bytes(TINY, 128, stage(runtime={"device": "cpu", "recompute": True})) < kept
    assert kept_bytes(TINY, 128, stage(runtime={"device": "cuda"})) < kept


def test_logits_are_held_for_a_chunk_at_a_time() -> None:
    shape = shape_of("smollm2-135m-instruct")
    assert shape is not None
    assert logit_bytes(shape, stage()) == 49_152 * (2 * 256 + 4 * 16)
    learning = stage(lora=None, precision="float32")
    assert logit_bytes(shape, learning) == 49_152 * 256 * 16, "logits, logarithms, both slopes"


def test_the_engine_s_own_pieces_are_those_reckoned_with() -> None:
    from openbezoar.training import block_attention, head

    assert (BLOCK, KEPT_KEYS) == (block_attention.QUERIES, block_attention.KEPT_KEYS)
    assert (CHUNK, ROWS) == (head.CHUNK, head.ROWS)
