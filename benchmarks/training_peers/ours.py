"""Our side of sft.py and dpo.py: the trainings of one job, in this process."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from benchmarks.training_peers.engine import (  # noqa: E402 - found by the lines above
    forget_peak,
    load,
    machine,
    peak_mb,
    read_rows,
    settle,
    train_once,
)
from benchmarks.training_peers.jobs import read, versions  # noqa: E402


def main() -> None:
    """Train as often as the job says; print what it took as one JSON object."""
    job = read(sys.argv[1])
    rows = read_rows(job.rows)
    model = load(job)
    passed = []
    for count in job.passes:
        settle(model)
        forget_peak(job.device)
        passed.append(train_once(model, rows[:count], job))
    result = {
        "seconds": [one.seconds for one in passed],
        "losses": [one.losses for one in passed],
        "peak_mb": round(peak_mb(job.device), 1),
        "machine": machine(job.device),
        "versions": versions(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
