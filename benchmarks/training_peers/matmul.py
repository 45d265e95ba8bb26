"""How fast a job's device multiplies large bfloat16 matrices, in a process of its own."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from benchmarks.training_peers.jobs import read  # noqa: E402
from openbezoar.estimates.flops import matmul_rate  # noqa: E402 - found by the lines above


def main() -> None:
    """Print the best rate as one JSON object."""
    print(json.dumps({"matmul_flops": matmul_rate(read(sys.argv[1]).device)}))


if __name__ == "__main__":
    main()
