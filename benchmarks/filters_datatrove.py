"""The near-duplicate step of filters.py through datatrove's four MinHash blocks, two processes.

The same shingles and bands as ours; words are divided at white space and diacritics stay, which is
much faster than its defaults (spaCy).
"""

import importlib.metadata
import json
import os
import resource
import sys
import time
from pathlib import Path

os.environ["LOGURU_LEVEL"] = "ERROR"  # read when datatrove is imported
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import TextNormConfig
from datatrove.utils.word_tokenizers import WordTokenizer

BANDS, WIDTH, SHINGLE, WORKERS = 12, 5, 3, 2


class Words(WordTokenizer):
    """What stands between white space: the text has been simplified already."""

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        raise NotImplementedError

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        raise NotImplementedError


def adapted(self, data: dict, path: str, id_in_file: int | str) -> dict:
    """A row of ours as a document."""
    return {"text": f"{data['instruction']}\n{data['answer']}", "id": data["id"], "metadata": {}}


def main() -> None:
    """Divide the rows among the processes, run the blocks in turn, print the cost."""
    path = Path(sys.argv[1])
    folder = path.parent / "datatrove"
    (folder / "in").mkdir(parents=True)
    parts = [(folder / "in" / f"{part}.jsonl").open("w") for part in range(WORKERS)]
    for number, line in enumerate(path.open(encoding="utf-8")):
        parts[number % WORKERS].write(line)
    for part in parts:
        part.close()
    norm = TextNormConfig(norm_unicode_diacritics=False, norm_numbers=False)
    config = MinhashConfig(
        n_grams=SHINGLE, num_buckets=BANDS, hashes_per_bucket=WIDTH, norm_config=norm,
        hash_config=HashConfig(precision=32),
    )  # fmt: skip
    cpu, clock = processor_seconds(), time.monotonic()
    reader = JsonlReader(str(folder / "in"), adapter=adapted)
    names = [str(folder / name) for name in ("signatures", "buckets", "remove", "kept", "dropped")]
    signatures, buckets, remove, kept, dropped = names
    excluded = JsonlWriter(dropped, compression=None)
    blocks = [
        (WORKERS, [reader, MinhashDedupSignature(signatures, config=config, language=Words())]),
        (BANDS, [MinhashDedupBuckets(signatures, buckets, config=config)]),
        (1, [MinhashDedupCluster(buckets, remove, config=config)]),
        (
            WORKERS,
            [reader, MinhashDedupFilter(remove, excluded), JsonlWriter(kept, compression=None)],
        ),
    ]
    for tasks, pipeline in blocks:
        workers = min(tasks, WORKERS)
        LocalPipelineExecutor(pipeline, tasks, workers, start_method="fork").run()
    cpu, seconds = processor_seconds() - cpu, time.monotonic() - clock
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    result = {
        "version": importlib.metadata.version("datatrove"),
        "processes": WORKERS,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "peak_rss_mb": round(max(one.ru_maxrss for one in used) / 1024, 1),
        "dropped": sum(1 for file in Path(dropped).glob("*.jsonl") for line in file.open()),
    }
    print(json.dumps(result))


def processor_seconds() -> float:
    """Of this process and of those it started that have ended."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
