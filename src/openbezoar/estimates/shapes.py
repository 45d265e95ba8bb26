"""The sizes of a checkpoint, read from its config.json, wherever that lies on this machine."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from openbezoar.estimates.flops import Sizes
from openbezoar.hub import EMBEDDED

__all__ = ["Shape", "shape_of"]

RANK = 16
SMOLLM2_135M = Sizes(576, 1536, 30, 9, 3, 64, 49_152, RANK)
KNOWN = {
    EMBEDDED: (SMOLLM2_135M, True),
    "HuggingFaceTB/SmolLM2-135M-Instruct": (SMOLLM2_135M, True),
    "openlm-research/open_llama_3b_v2": (Sizes(3200, 8640, 26, 32, 32, 100, 32_000, RANK), False),
}
"""The base models of the recipes, as their config.json on the hub has them."""


class Shape(NamedTuple):
    """A Llama's sizes, and whether its output layer is its embedding."""

    sizes: Sizes
    tied: bool

    @property
    def linear(self) -> int:
        """The weights of the layers' products, which NF4 rounds to four bits."""
        sizes = self.sizes
        width = sizes.heads * sizes.head
        layer = sizes.hidden * (sizes.projections + width + 3 * sizes.inner)
        return sizes.layers * layer

    @property
    def parameters(self) -> int:
        """All weights; norms aside, which are few."""
        tables = 1 if self.tied else 2
        return self.linear + tables * self.sizes.hidden * self.sizes.vocabulary

    @property
    def cache_bytes(self) -> int:
        """The keys and values of a token in 16 bits."""
        return 2 * self.sizes.layers * self.sizes.key_heads * self.sizes.head * 2

    def adapter(self, rank: int, targets: tuple[str, ...]) -> int:
        """The weights of a LoRA adapter of this rank on these layers."""
        sizes = self.sizes
        width, keys = sizes.heads * sizes.head, sizes.key_heads * sizes.head
        outer = {
            "q_proj": (sizes.hidden, width), "k_proj": (sizes.hidden, keys),
            "v_proj": (sizes.hidden, keys), "o_proj": (width, sizes.hidden),
            "gate_proj": (sizes.hidden, sizes.inner), "up_proj": (sizes.hidden, sizes.inner),
            "down_proj": (sizes.inner, sizes.hidden),
        }  # fmt: skip
        return rank * sizes.layers * sum(sum(outer.get(name, ())) for name in targets)


def shape_of(checkpoint: str, rank: int = RANK) -> Shape | None:
    """The shape of a folder, a cached hub model or a base model we know; None of any other."""
    for path in _configs(checkpoint):
        try:
            return _read(json.loads(path.read_text(encoding="utf-8")), rank)
        except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
            continue
    known = KNOWN.get(checkpoint.partition("@")[0])
    return None if known is None else Shape(*known)


def _configs(checkpoint: str) -> Iterator[Path]:
    yield Path(checkpoint).expanduser() / "config.json"
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface").expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    name = checkpoint.partition("@")[0].replace("/", "--")
    yield from sorted(cache.glob(f"models--{name}/snapshots/*/config.json"))


def _read(config: dict[str, Any], rank: int) -> Shape:
    heads = int(config["num_attention_heads"])
    sizes = Sizes(
        hidden=int(config["hidden_size"]),
        inner=int(config["intermediate_size"]),
        layers=int(config["num_hidden_layers"]),
        heads=heads,
        key_heads=int(config.get("num_key_value_heads") or heads),
        head=int(config.get("head_dim") or int(config["hidden_size"]) // heads),
        vocabulary=int(config["vocab_size"]),
        rank=rank,
    )
    return Shape(sizes, bool(config.get("tie_word_embeddings", False)))
