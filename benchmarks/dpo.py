"""Measures preference training beside TRL's DPOTrainer: speed, memory, and that losses agree.

    python benchmarks/dpo.py --json                              # ours alone
    python benchmarks/dpo.py --json --peers                      # and TRL, in its own environment
    python benchmarks/dpo.py --json --peers --shape openllama-3b # random weights, NF4, needs CUDA
    python benchmarks/dpo.py --json --peers --shape tiny         # the same path in a minute, on CPU

Both sides learn the same real pairs of HH-RLHF, as the same token ids, with the same LoRA on the
same frozen weights, one after the other, each in a process of its own; what the reference costs is
counted on both. TRL's settings compete first: attention, autocast, batch size, the reference
before or along the way. A first step warms up and is not counted.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
os.environ.setdefault("OPENBEZOAR_DATA", str(ROOT.parent / "shared" / "data"))

from benchmarks.contenders import show  # noqa: E402 - found by the lines above, as all below
from benchmarks.training_peers import measuring  # noqa: E402
from benchmarks.training_peers.engine import read_rows, tokens_computed  # noqa: E402
from benchmarks.training_peers.jobs import Job  # noqa: E402
from benchmarks.training_peers.shapes import Shape  # noqa: E402

PARITY_PAIRS, PARITY_BATCH = 40, 4


def main() -> None:
    """Print one JSON object, or its keys one by one."""
    given = measuring.arguments(__doc__, batch_rows=16)
    shape, job = measuring.prepared(given, "dpo", PARITY_PAIRS)
    if not given.prepare:
        show(measured(given, shape, job), given.json)


def measured(given: argparse.Namespace, shape: Shape, job: Job) -> dict[str, Any]:
    """Ours, TRL, and the two sides' losses over ten steps in float32."""
    pairs = read_rows(job.rows)[: job.passes[-1]]
    separate = sum(len(sequence.ids) for pair in pairs for sequence in pair)
    computed = tokens_computed(pairs)
    us = measuring.timed(measuring.ours(shape), job, given.trial_rows)
    found: dict[str, Any] = {
        "shape": given.shape,
        "precision": job.precision,
        "pairs": len(pairs),
        "pairs_per_second": per_second(us, len(pairs)),
        "tokens_per_pair": {
            "separate": round(separate / len(pairs), 1),
            "ours": round(computed / len(pairs), 1),
        },
        "tokens_saved": round(1 - computed / separate, 3),
        "peak_mb": us.get("peak_mb"),
        "ratio": None,
        "max_loss_difference": None,
        "ours": us,
        "peers": {},
    }
    if given.peers:
        found |= beside(given, shape, job, us)
    return found


def beside(given: argparse.Namespace, shape: Shape, job: Job, us: dict[str, Any]) -> dict[str, Any]:
    """TRL at its best, and how far its losses are from ours in float32."""
    axes = {
        "attention": shape.attentions,
        "autocast": shape.autocasts,
        "liger": shape.ligers,
        "batch": [size for size in shape.batches if size <= job.batch_rows],
        "precompute": (False, True),
    }
    side = measuring.trl(given, "trl", axes)
    them = measuring.timed(side, job, given.trial_rows)
    them["pairs_per_second"] = per_second(them, job.passes[-1])
    count = min(PARITY_PAIRS, len(read_rows(job.rows)))
    parity = replace(job, batch_rows=PARITY_BATCH, passes=(count,))
    return {
        "ratio": measuring.ratio(us, them),
        "peers": {side.name: them},
        **measuring.largest_difference(measuring.ours(shape), side, parity),
    }


def per_second(side: dict[str, Any], pairs: int) -> float | None:
    """Pairs a second, where the side got through."""
    return None if "failed" in side else round(pairs / side["seconds"], 3)


if __name__ == "__main__":
    main()
