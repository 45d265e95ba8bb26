"""Measures the filter stage on many rows: time, memory, growth, and peers on near duplicates.

    python benchmarks/filters.py --rows 1000000 --json          # 10k, 100k and 1M rows
    python benchmarks/filters.py --rows 1000000 --json --peers  # and datatrove and datasketch

Rows have about 150 tokens: words in the proportions of English, real sentences of Dolly, repeated
rows. They go through the stage as `bezoar run` runs it, JSON Lines in and out. Each size and each
contender has a process of its own; the peers, in environments of their own, only find near
duplicates, and beside them ours does only that. The data are those of OPENBEZOAR_DATA, or of
../shared/data.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks.contenders import environment, options, run, show  # noqa: E402 - found by that

DATA = Path(os.environ.get("OPENBEZOAR_DATA") or ROOT.parent / "shared" / "data")
FILTERS = """
    - {kind: length, answer: {least_words: 3}}
    - {kind: refusals}
    - {kind: residue}
    - {kind: duplicates, of: instruction and answer}
    - {kind: near_duplicates}
    - {kind: contamination, benchmarks: [{kind: harness, tasks: [TASKS]}], files: [others.jsonl]}
"""
OTHERS = {
    "arc_challenge.validation.jsonl.gz": "question",
    "arc_easy.validation.jsonl.gz": "question",
    "llm-foundry/bigbench_strategyqa.jsonl.gz": "query",
    "llm-foundry/jeopardy.jsonl.gz": "context",
    "mmlu.dev.jsonl.gz": "question",
    "mmlu.validation.jsonl.gz": "question",
    "openbookqa.validation.jsonl.gz": "question_stem",
    "record.fewglue32.jsonl": "passage",
}
"""The files of `lm_eval` that none of our tasks is measured on, and where a row's text stands."""
NEAR = "[{kind: near_duplicates}]"
SIZES = (10_000, 100_000)
PEERS = {"datatrove": "datatrove[io,processing]", "datasketch": "datasketch xxhash"}


def main() -> None:
    """Run every size and contender and print one JSON object, or its keys one by one."""
    given = arguments()
    os.environ["OPENBEZOAR_DATA"] = str(DATA)
    if given.only:
        print(json.dumps(prepared(given) if given.only == "rows" else sifted(given)))
        return
    show(measured(given), given.json)


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-rows", type=int, default=100_000)
    parser.add_argument("--only", choices=["rows", "all", "near"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """The figures of the largest size, of every size, and of the near-duplicate step."""
    sizes = sorted({given.rows, *(size for size in SIZES if size < given.rows)})
    scaling = {str(size): at_size(size) for size in sizes}
    largest = scaling[str(given.rows)]
    found = {
        "rows": given.rows,
        **{key: largest[key] for key in ("seconds", "peak_rss_mb", "rows_per_second")},
        "scaling": scaling,
        "peers": {},
    }
    if given.peers:
        with tempfile.TemporaryDirectory() as folder:
            child("rows", folder, given.peer_rows)
            ours = child("near", folder, given.peer_rows)
            found["peers"] = {"rows": given.peer_rows, "ours": ours}
            for name, package in PEERS.items():
                theirs = peer(name, package, given, folder)
                ratio = round(theirs["seconds"] / ours["seconds"], 2)
                found["peers"][name] = {**theirs, "seconds_ratio": ratio}
    return found


def at_size(size: int) -> dict[str, Any]:
    """All filters over so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        child("rows", folder, size)
        return child("all", folder, size)


def prepared(given: argparse.Namespace) -> dict[str, Any]:
    """Make the rows, as a source stage left them."""
    from benchmarks.filter_rows import Rows
    from benchmarks.sifting import prepare

    artifact = prepare(Rows(DATA).first(given.rows), given.folder)
    return {"rows": artifact.numbers["rows"]}


def sifted(given: argparse.Namespace) -> dict[str, Any]:
    """Run the filter stage alone, and read what its manifest says of it."""
    from benchmarks.sifting import sift

    cpu = time.process_time()
    artifact = sift(all_filters(given.folder) if given.only == "all" else NEAR, given.folder)
    cpu = time.process_time() - cpu
    run, numbers = artifact.manifest.run, artifact.numbers
    assert numbers["read"] == given.rows, numbers
    return {
        "seconds": run["seconds"],
        "cpu_seconds": round(cpu, 3),
        "peak_rss_mb": run["peak_memory_mb"],
        "rows_per_second": round(given.rows / run["seconds"], 1),
        "planted": repetitions(given.folder / "rows.jsonl"),
        "dropped": numbers["read"] - numbers["rows"],
        "rejected": numbers["rejected"],
    }


def all_filters(folder: Path) -> str:
    """The filters, with every set in `lm_eval` to look for."""
    from openbezoar import jsonl
    from openbezoar.evaluations.task_files import TASKS

    with (folder / "others.jsonl").open("w", encoding="utf-8") as file:
        for name, field in OTHERS.items():
            for number, row in jsonl.read_objects(DATA / "lm_eval" / name):
                text = row[field]["text"] if isinstance(row[field], dict) else row[field]
                file.write(json.dumps({"id": f"{name}:{number}", "question": text}) + "\n")
    return FILTERS.replace("TASKS", ", ".join([*TASKS, "mmlu"]))


def repetitions(path: Path) -> int:
    """How many of the rows were made to repeat another."""
    with path.open(encoding="utf-8") as rows:
        return sum(not row.startswith('{"id": "new-') for row in rows)


def child(only: str, folder: str, rows: int) -> dict[str, Any]:
    """One part of the work in a process of its own."""
    return run([sys.executable, __file__, "--only", only, "--folder", folder, f"--rows={rows}"])


def peer(name: str, package: str, given: argparse.Namespace, folder: str) -> dict[str, Any]:
    """A peer in an environment of its own, made at the first call."""
    python = environment(given.venvs / name, package)
    script = Path(__file__).with_name(f"filters_{name}.py")
    return run([str(python), str(script), f"{folder}/rows.jsonl"])


if __name__ == "__main__":
    main()
