"""Measures what the filters find and what they drop by mistake, on cases planted in Dolly.

    python benchmarks/filter_quality.py --json                    # all parts
    python benchmarks/filter_quality.py --json --only duplicates  # or contamination, or plain

The rows come from the folder of public data: OPENBEZOAR_DATA, or ../shared/data.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
PARTS = ("duplicates", "contamination", "plain")


def main() -> None:
    """Measure, then print one JSON object, or its keys one by one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    data = Path(os.environ.get("OPENBEZOAR_DATA") or ROOT.parent / "shared" / "data")
    found = {}
    for part in [given.only] if given.only else PARTS:
        measure = getattr(importlib.import_module(f"benchmarks.quality.{part}"), f"{part}_quality")
        found.update(measure(data))
    if given.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for name, value in found.items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
