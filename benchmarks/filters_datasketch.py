"""The near-duplicate step of filters.py through datasketch, in its own environment.

The same shingles and bands as ours, the fastest hash it can be given, and no check of what it
finds: a row is dropped when a kept one shares a band with it.
"""

import importlib.metadata
import json
import re
import resource
import sys
import time
from pathlib import Path

from datasketch import MinHash, MinHashLSH
from xxhash import xxh32_intdigest

WORD = re.compile(rb"\w+")
BANDS, WIDTH, SHINGLE = 12, 5, 3


def main() -> None:
    """Read the rows, write those kept, print the cost."""
    path = Path(sys.argv[1])
    cpu, clock = time.process_time(), time.monotonic()
    index = MinHashLSH(num_perm=BANDS * WIDTH, params=(BANDS, WIDTH))
    start = MinHash(num_perm=BANDS * WIDTH, hashfunc=xxh32_intdigest, scheme="affine32")
    dropped = 0
    with path.open(encoding="utf-8") as rows, path.with_suffix(".kept").open("w") as kept:
        for line in rows:
            row = json.loads(line)
            words = WORD.findall(f"{row['instruction']}\n{row['answer']}".lower().encode())
            signature = start.copy()
            shifted = (words[place:] for place in range(SHINGLE))
            signature.update_batch(map(b" ".join, zip(*shifted, strict=False)))
            if index.query(signature):
                dropped += 1
                continue
            index.insert(row["id"], signature, check_duplication=False)
            kept.write(line)
    cpu, seconds = time.process_time() - cpu, time.monotonic() - clock
    result = {
        "version": importlib.metadata.version("datasketch"),
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "dropped": dropped,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
