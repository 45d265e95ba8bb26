"""The models that sft.py and dpo.py train, and the real rows they train on."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.training_peers.engine import OBJECTIVES, prompt_length, write_rows
from openbezoar.errors import ParseError
from openbezoar.training.adapters import Precision
from openbezoar.training.format import Encoded, Format


@dataclass(frozen=True)
class Shape:
    """A model, where it is trained and on how much."""

    device: str
    precision: Precision
    max_tokens: int
    rows: dict[str, int]
    """How many rows of each objective are timed."""
    llama: dict[str, int] = field(default_factory=dict)
    """The sizes of a Llama with random weights; empty for the embedded model."""
    micro_tokens: tuple[int, ...] = (1024, 2048, 512)
    """What our side may choose from."""
    batches: tuple[int, ...] = (1, 2, 4, 8)
    """What TRL's side may choose from."""
    attentions: tuple[str, ...] = ("sdpa", "eager")
    autocasts: tuple[bool, ...] = (False, True)
    ligers: tuple[bool, ...] = (False,)
    """Whether Liger's kernels replace the layers'; they need CUDA."""
    pack_lengths: tuple[int, ...] = (1024, 0)
    """0 is the length of the longest row."""


SHAPES = {
    "smollm2-135m": Shape("cpu", "bfloat16", 1024, {"sft": 64, "dpo": 32}),
    "openllama-3b": Shape(
        "cuda",
        "nf4",
        2048,
        {"sft": 256, "dpo": 64},
        {
            "vocab_size": 32_000,
            "hidden_size": 3200,
            "intermediate_size": 8640,
            "num_hidden_layers": 26,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "max_position_embeddings": 2048,
        },
        micro_tokens=(8192, 4096, 16_384, 2048),
        batches=(4, 1, 8, 16),
        attentions=("sdpa", "flash_attention_2", "flex_attention"),
        autocasts=(True,),
        ligers=(False, True),
        pack_lengths=(2048,),
    ),
    "tiny": Shape(
        "cpu",
        "nf4",
        1024,
        {"sft": 16, "dpo": 16},
        {
            "vocab_size": 512,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 2048,
        },
        micro_tokens=(1024,),
        batches=(2, 1),
        attentions=("sdpa",),
        autocasts=(True,),
    ),
}


def checkpoint(shape: Shape, work: Path) -> Path:
    """The folder of the shape's checkpoint; random weights are made below `work`, once."""
    if not shape.llama:
        return _embedded()
    folder = work / f"random-{shape.llama['hidden_size']}"
    if not (folder / "config.json").exists():
        shutil.copytree(tokenizer(work), folder, dirs_exist_ok=True)
        _random_model(shape).save_pretrained(folder)
    return folder


def rows(shape: Shape, objective: str, count: int, work: Path) -> Path:
    """So many real rows as token ids, in a file below `work`, written once."""
    path = work / f"{objective}-{count}-{shape.max_tokens}-{shape.llama.get('vocab_size', 0)}.jsonl"
    if not path.exists():
        format_ = Format.for_training(tokenizer(work))
        found = _encoded(objective, format_, shape)
        partial = path.with_suffix(".partial")
        write_rows(partial, [next(found) for _ in range(count)])
        partial.rename(path)
    return path


def tokenizer(work: Path) -> Path:
    """The embedded model's tokenizer, in a folder below `work` that can be carried along."""
    folder = work / "tokenizer"
    if not folder.exists():
        Format.for_training(_embedded()).tokenizer.save_pretrained(folder)
    return folder


def _embedded() -> Path:
    from openbezoar import hub  # here: rows and a tokenizer that are carried along need no hub

    return hub.checkpoint(hub.EMBEDDED)


def _encoded(objective: str, format_: Format, shape: Shape) -> Iterator[tuple[Encoded, ...]]:
    """Rows in the order of a random draw; left out where too long, or cut to unequal prompts."""
    from openbezoar.sources.dolly import DollySource
    from openbezoar.sources.hh_rlhf import HhRlhfSource

    source = (
        DollySource(answers=True, sample="random")
        if objective == "sft"
        else HhRlhfSource(splits=("test",), sample="random")
    )
    part = OBJECTIVES[objective]()
    for row in source.rows():
        if isinstance(row, tuple):
            continue
        try:
            encoded = part.encode(row, format_, shape.max_tokens)
        except ParseError:
            continue
        prompts = {tuple(one.ids[: prompt_length(one)]) for one in encoded}
        if len(prompts) == 1:
            yield tuple(_within(one, shape) for one in encoded)


def _within(sequence: Encoded, shape: Shape) -> Encoded:
    """Ids that a smaller vocabulary has; to random weights one token is as good as another."""
    size = shape.llama.get("vocab_size")
    ids = [id_ % size for id_ in sequence.ids] if size else sequence.ids
    return Encoded(ids, sequence.supervised)


def _random_model(shape: Shape) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(**shape.llama, pad_token_id=0, tie_word_embeddings=False)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(shape.device):
            return LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(torch.float32)
