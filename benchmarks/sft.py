"""Measures supervised fine-tuning beside TRL's SFTTrainer: speed, memory, and that losses agree.

    python benchmarks/sft.py --json                              # ours alone
    python benchmarks/sft.py --json --peers                      # and TRL, in its own environment
    python benchmarks/sft.py --json --peers --shape openllama-3b # random weights, NF4, needs CUDA
    python benchmarks/sft.py --json --peers --shape tiny         # the same path in minutes, on CPU

Both sides learn the same real Dolly rows, as the same token ids behind the same masks, with the
same LoRA on the same frozen weights, one after the other, each in a process of its own. TRL's
settings compete first: attention, autocast, packing and batch size; the fastest that computes the
same loss is timed. Tokens are real ones, without padding. A first step warms up and is not counted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
os.environ.setdefault("OPENBEZOAR_DATA", str(ROOT.parent / "shared" / "data"))

from benchmarks.contenders import show  # noqa: E402 - found by the lines above, as all below
from benchmarks.training_peers import measuring  # noqa: E402
from benchmarks.training_peers.engine import read_rows  # noqa: E402
from benchmarks.training_peers.jobs import LORA, Job, ask  # noqa: E402
from benchmarks.training_peers.measuring import Axes  # noqa: E402
from benchmarks.training_peers.shapes import Shape  # noqa: E402
from openbezoar.estimates.flops import Sizes, step_flops  # noqa: E402

PARITY_ROWS, PARITY_BATCH = 64, 8


def main() -> None:
    """Print one JSON object, or its keys one by one."""
    given = measuring.arguments(__doc__, batch_rows=16)
    shape, job = measuring.prepared(given, "sft", PARITY_ROWS)
    if not given.prepare:
        show(measured(given, shape, job), given.json)


def measured(given: argparse.Namespace, shape: Shape, job: Job) -> dict[str, Any]:
    """Ours, TRL packed and padded, and the two sides' losses in float32."""
    rows = [one for (one,) in read_rows(job.rows)[: job.passes[-1]]]
    lengths = [len(one.ids) for one in rows]
    us = measuring.timed(measuring.ours(shape), job, given.trial_rows)
    found: dict[str, Any] = {
        "shape": given.shape,
        "precision": job.precision,
        "rows": len(rows),
        "tokens": sum(lengths),
        "tokens_per_second": per_second(us, sum(lengths)),
        **beside_matmul(us, job, lengths, sum(one.answer_tokens for one in rows)),
        "peak_mb": us.get("peak_mb"),
        "ratio_packed": None,
        "ratio_padded": None,
        "max_loss_difference": None,
        "ours": us,
        "peers": {},
    }
    if given.peers:
        found |= beside(given, shape, job, us, sum(lengths))
    return found


def beside(
    given: argparse.Namespace, shape: Shape, job: Job, us: dict[str, Any], tokens: int
) -> dict[str, Any]:
    """TRL at its best, packed and padded, and how far its losses are from ours in float32."""
    loss = next((one["loss"] for one in us["trials"] if "loss" in one), None)
    packed, padded = (
        measuring.trl(given, f"trl {name}", axes)
        for name, axes in (
            ("packed", packed_axes(shape)),
            ("padded", padded_axes(shape, job.batch_rows)),
        )
    )
    peers = {
        side.name: measuring.timed(side, job, given.trial_rows, loss) for side in (packed, padded)
    }
    for them in peers.values():
        them["tokens_per_second"] = per_second(them, tokens)
    count = min(PARITY_ROWS, len(read_rows(job.rows)))
    parity = replace(job, batch_rows=PARITY_BATCH, passes=(count,))
    return {
        "ratio_packed": measuring.ratio(us, peers[packed.name]),
        "ratio_padded": measuring.ratio(us, peers[padded.name]),
        "ratio_padded_by_batch": by_batch(us, peers[padded.name]),
        "peers": peers,
        **measuring.largest_difference(measuring.ours(shape), padded, parity),
    }


def by_batch(us: dict[str, Any], padded: dict[str, Any]) -> dict[int, float]:
    """How many times as long TRL took on the trial's rows, so many at a time: one pads nothing."""
    ours = min((one["seconds"] for one in us["trials"] if "failed" not in one), default=None)
    theirs: dict[int, float] = {}
    for one in padded["trials"]:
        if "failed" not in one:
            batch = one["settings"]["batch"]
            theirs[batch] = min(one["seconds"], theirs.get(batch, one["seconds"]))
    return {batch: round(seconds / ours, 2) for batch, seconds in theirs.items()} if ours else {}


def packed_axes(shape: Shape) -> Axes:
    """What TRL can choose when it packs."""
    return {
        "attention": shape.attentions,
        "autocast": shape.autocasts,
        "liger": shape.ligers,
        "packing": ("bfd", measuring.INEXACT),
        "pack_length": shape.pack_lengths,
        "batch": shape.batches,
    }


def padded_axes(shape: Shape, batch_rows: int) -> Axes:
    """What TRL can choose when it pads."""
    return {
        "attention": shape.attentions,
        "autocast": shape.autocasts,
        "liger": shape.ligers,
        "batch": [size for size in shape.batches if size <= batch_rows],
        "sampling": ("sequential", "group_by_length"),
    }


def per_second(side: dict[str, Any], tokens: int) -> float | None:
    """Tokens a second, where the side got through."""
    return None if "failed" in side else round(tokens / side["seconds"], 1)


def beside_matmul(
    us: dict[str, Any], job: Job, lengths: Sequence[int], predictions: int
) -> dict[str, Any]:
    """What our passes need and reach, of this device's own matrix-product rate."""
    from transformers import AutoConfig

    rate = ask(sys.executable, "matmul.py", job).get("matmul_flops")
    if "failed" in us or rate is None:
        return {"fraction_of_matmul": None}
    sizes = Sizes.of(AutoConfig.from_pretrained(job.folder), LORA["r"])
    needed = step_flops(sizes, lengths, predictions)
    return {
        "fraction_of_matmul": round(needed / us["seconds"] / rate, 3),
        "matmul_gflops": round(rate / 1e9, 1),
        "gflop_needed": round(needed / 1e9, 1),
    }


if __name__ == "__main__":
    main()
