"""Our evaluation beside lm-eval's own command: are the scores equal, and what does either cost?

    python benchmarks/harness.py --data FOLDER --json

FOLDER holds `lm_eval/` as docs/data.md lays it out; the environment's OPENBEZOAR_DATA is taken
without it. The command gets task files written here, which name the same local rows. Either side
runs each task in a process of its own, from the start of Python to the scores on disk: several
tasks in one call of the command share batches, and in bfloat16 that moves a score now and then.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import yaml  # noqa: E402 - the path comes first

from openbezoar import hub  # noqa: E402 - found by the line above
from openbezoar.evaluations.task_files import TASKS  # noqa: E402
from openbezoar.evaluations.task_names import package, version  # noqa: E402

FIVE = "piqa,hellaswag,winogrande,boolq,copa"
"""Tasks whose files hold the very rows that lm-eval reads, so that nothing of ours is between."""
LISTING = "from lm_eval.tasks import TaskManager; TaskManager()"


class Cost(NamedTuple):
    """What a process took."""

    seconds: float
    processor: float


def main() -> None:
    """Print one JSON object, or lines."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("OPENBEZOAR_DATA"))
    parser.add_argument("--checkpoint", default=hub.EMBEDDED)
    parser.add_argument("--tasks", default=FIVE)
    parser.add_argument("--shots", type=int, default=0)
    parser.add_argument("--limit", type=int, default=24)
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--batch-rows", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the data folder with --data or OPENBEZOAR_DATA")
    os.environ["OPENBEZOAR_DATA"] = str(Path(given.data).resolve())
    given.folder = hub.checkpoint(given.checkpoint)
    with tempfile.TemporaryDirectory() as work:
        found = measured(given, Path(work))
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name}: {json.dumps(value)}")


def measured(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Every figure."""
    tasks = given.tasks.split(",")
    listing = cost([sys.executable, "-c", LISTING], work)
    scores: dict[str, dict[str, Any]] = {}
    costs: dict[str, list[Cost]] = {"lm_eval": [], "ours": []}
    for task in tasks:
        folder = work / task
        folder.mkdir()
        theirs, their_cost = by_command(task, given, folder)
        ours, our_cost = by_us(task, given, folder)
        scores |= beside(theirs, ours)
        print(task, beside(theirs, ours), their_cost, our_cost, file=sys.stderr, flush=True)
        costs["lm_eval"].append(their_cost)
        costs["ours"].append(our_cost)
    wall = {side: round(sum(one.seconds for one in spent), 1) for side, spent in costs.items()}
    busy = {side: round(sum(one.processor for one in spent), 1) for side, spent in costs.items()}
    listed = len(tasks) * listing.processor
    return {
        "lm_eval": version(),
        "tasks": tasks,
        "limit": given.limit,
        "shots": given.shots,
        "precision": given.precision,
        "scores": scores,
        "scores_equal": all(score["equal"] for score in scores.values()),
        "seconds": wall,
        "processor_seconds": busy,
        "processor_seconds_of_listing_all_tasks": listing.processor,
        "harness_ratio": round(wall["ours"] / wall["lm_eval"], 3),
        "harness_ratio_processor": round(busy["ours"] / busy["lm_eval"], 3),
        "harness_ratio_processor_without_listing": round(
            busy["ours"] / (busy["lm_eval"] - listed), 3
        ),
    }


def by_command(task: str, given: argparse.Namespace, work: Path) -> tuple[dict[str, float], Cost]:
    """The scores of `lm_eval run`, by task and metric."""
    tasks = work / "tasks"
    tasks.mkdir()
    (tasks / f"{task}.yaml").write_text(yaml.safe_dump(task_file(task, work)), encoding="utf-8")
    settings = f"pretrained={given.folder},dtype={given.precision},softmax_dtype=float32"
    call = [
        sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--model_args", settings,
        "--tasks", task, "--include_path", str(tasks), "--num_fewshot", str(given.shots),
        "--limit", str(given.limit), "--batch_size", str(given.batch_rows), "--device", "cpu",
        "--output_path", str(work / "theirs"), "--log_samples",
    ]  # fmt: skip
    spent = cost(call, work)
    [path] = (work / "theirs").rglob("results_*.json")
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    return {
        f"{name}.{key.removesuffix(',none')}": value
        for name, values in results.items()
        for key, value in values.items()
        if key.endswith(",none") and "_stderr" not in key
    }, spent


def task_file(task: str, work: Path) -> dict[str, Any]:
    """lm-eval's own task, reading the validation rows as the data folder holds them."""
    home, file = package(), TASKS[task].validation
    assert home is not None, "lm-eval is not installed"
    assert file is not None, f"{task}: has no file of validation rows"
    rows = Path(os.environ["OPENBEZOAR_DATA"]) / "lm_eval" / file.name
    return {
        "include": str(home / "tasks" / TASKS[task].config),
        "task": task,
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {
            "data_files": {"validation": str(rows)},
            "cache_dir": str(work / "datasets"),
        },
        "training_split": None,
        "test_split": None,
    }


def by_us(task: str, given: argparse.Namespace, work: Path) -> tuple[dict[str, float], Cost]:
    """The scores of an evaluate stage, by task and metric, run by the command into a new store."""
    harness = {
        "kind": "harness",
        "tasks": [task],
        "shots": given.shots,
        "limit": given.limit,
        "precision": given.precision,
        "runtime": {"device": "cpu", "batch_rows": given.batch_rows},
    }
    recipe = {
        "name": "harness",
        "models": {"model": {"kind": "transformers", "checkpoint": str(given.folder)}},
        "stages": {"scores": {"kind": "evaluate", "model": "model", "evaluations": [harness]}},
    }
    path = work / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    run = "from openbezoar.cli import main; main()"
    store = work / "store"
    spent = cost([sys.executable, "-c", run, "run", str(path), "--store", str(store)], work)
    [scores] = store.glob("scores-*/scores.json")
    content = json.loads(scores.read_text(encoding="utf-8"))
    return {score["name"]: score["value"] for score in content}, spent


def beside(theirs: dict[str, float], ours: dict[str, float]) -> dict[str, dict[str, Any]]:
    """Both values of every metric that either side has; equal means to the last bit."""
    return {
        name: {
            "lm_eval": theirs.get(name),
            "ours": ours.get(name),
            "equal": name in theirs and theirs[name] == ours.get(name),
        }
        for name in sorted(theirs.keys() | ours.keys())
    }


def cost(call: list[str], work: Path) -> Cost:
    """Run a process of this environment to its end; its output is shown when it fails."""
    variables = {
        **os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }  # fmt: skip
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(call, cwd=work, env=variables, capture_output=True, text=True)
    seconds = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(call[:4])} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(round(seconds, 1), round(processor, 1))


if __name__ == "__main__":
    main()
