"""Runs many rows under a server that fails in every way, and kills the run at random moments.

    python benchmarks/faults.py --rows 10000 --kills 20 --json

Prints what became of the rows, whether the killed run's bytes are those of one that lived, and
how many requests were asked more than once because of a kill.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from openbezoar.store import Artifact, Store  # noqa: E402 - found by the lines above
from tests.faults.conftest import KEY, Bench, content, split_rows  # noqa: E402
from tests.faults.teacher import FaultyTeacher  # noqa: E402


def main() -> None:
    """Print one JSON object, or its keys one by one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--share", type=float, default=0.15, help="of the tries that fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        found = figures(Bench(Path(name), stack), given.rows, given.kills, given.share)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:20} {value}")


def figures(bench: Bench, rows: int, kills: int, share: float) -> dict[str, Any]:
    """Run once in peace and once with kills, and compare."""
    calm, killed = FaultyTeacher(share, canary=KEY), FaultyTeacher(share, canary=KEY)
    bench.prepare(rows, calm)
    clock = time.monotonic()
    lived = finished(bench, "lived")
    seconds = time.monotonic() - clock
    bench.prepare(rows, killed)
    died = sum(
        killed_after(bench, killed, moment)
        for moment in random.Random(rows).choices(range(1, max(2, rows // (kills + 1))), k=kills)
    )
    again = finished(bench, "killed")
    kept, failed = split_rows(lived)
    files = [path for path in bench.folder.rglob("*") if path.is_file()]
    return {
        "rows": rows,
        "kept": len(kept),
        "failed": len(failed),
        "lost": rows - len({*kept, *failed}),
        "twice": len(kept) + len(failed) - len({*kept, *failed}),
        "reasons": {reason: [*failed.values()].count(reason) for reason in {*failed.values()}},
        "faults": dict(sorted(calm.faults.items())),
        "seconds": round(seconds, 1),
        "kills": died,
        "same_bytes": content(lived.folder) == content(again.folder),
        "asked_for_kills": killed.asked.total() - calm.asked.total(),
        "files_with_the_key": sum(KEY.encode() in path.read_bytes() for path in files),
    }


def finished(bench: Bench, store: str) -> Artifact:
    """Run to the end in a process of its own; the rows' artifact."""
    with bench.start(store=store) as process:
        _, told = process.communicate()
    assert process.returncode == 0, told
    found = Store(bench.folder / store).artifacts()
    return next(artifact for artifact in found if artifact.manifest.stage == "rows")


def killed_after(bench: Bench, teacher: FaultyTeacher, requests: int) -> bool:
    """Kill a run after some requests; whether it was still alive."""
    before = teacher.asked.total()
    with bench.start(store="killed") as process:
        while teacher.asked.total() < before + requests and process.poll() is None:
            time.sleep(0.001)
        alive = process.poll() is None
        process.kill()
    return alive


if __name__ == "__main__":
    main()
