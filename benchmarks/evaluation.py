"""Measures MT-Bench: answers together beside one at a time, and judging beside its ideal.

    python benchmarks/evaluation.py --json
    python benchmarks/evaluation.py --json --only answers --slots 16 --threads 2

`answers_speedup` is tokens a second of the embedded model behind llama.cpp, 16 questions of two
turns asked together over those asked one after the other, each way with its own best server: ours
with the default slots and servers, the other with one slot. `answers_cpu_ratio` is that of
processor time, which other work on the machine disturbs less. `checkpoint_speedup` is the same of
the checkpoint in transformers, as evaluate stages ask it. `judge_ideal_fraction` is the latency
times the rounds that
the verdicts need over the time they took, through a server in a process of its own.
`harness_ratio` is measured by benchmarks/harness.py.
"""

import argparse
import asyncio
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks.contenders import run, show  # noqa: E402 - found by the line above

LATENCY = 2.0
MODEL = "smollm2-135m-instruct"
MEASURES = ("answers", "checkpoint", "judging")


def main() -> None:
    """Run every measure and print one JSON object, or its keys one by one."""
    given = arguments()
    if given.child == "server":
        serve()
    elif given.child:
        print(json.dumps(asyncio.run({"ask": ask, "judge": judge}[given.child](given))))
    else:
        show(measured(given), given.json)


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=MEASURES)
    parser.add_argument("--repetitions", type=int, default=3, help="of which the median counts")
    parser.add_argument("--questions", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=256, help="the longest answer")
    parser.add_argument("--slots", type=int, help="other than the default")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--verdicts", type=int, default=640)
    parser.add_argument("--in-flight", type=int, default=64)
    for name in ("--child", "--kind", "--address"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    parser.add_argument("--together", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """The figures."""
    found: dict[str, Any] = {}
    if given.only in (None, "answers"):
        speedup, cpu, sides = answered(given, "llama_cpp")
        found |= {"answers_speedup": speedup, "answers_cpu_ratio": cpu, "answers": sides}
    if given.only in (None, "checkpoint"):
        speedup, cpu, sides = answered(given, "transformers")
        found |= {"checkpoint_speedup": speedup, "checkpoint_cpu_ratio": cpu, "checkpoint": sides}
    if given.only in (None, "judging"):
        with serving() as address:
            took = [child(given, "judge", "--address", address) for _ in range(given.repetitions)]
        seconds = median(one["seconds"] for one in took)
        ideal = LATENCY * math.ceil(given.verdicts / given.in_flight)
        found |= {"judge_ideal_fraction": round(ideal / seconds, 4), "judging": took}
    return found


def answered(given: argparse.Namespace, kind: str) -> tuple[float, float, dict[str, Any]]:
    """How many times as fast, how many times less processor time, and each side's runs."""
    sides: dict[str, list[dict[str, Any]]] = {"together": [], "one_at_a_time": []}
    for _ in range(given.repetitions):
        for side, together in (("together", given.questions), ("one_at_a_time", 1)):
            asked = child(given, "ask", "--kind", kind, f"--together={together}")
            sides[side].append(asked)
    ratios = [
        median(one["tokens"] / one[by] for one in sides["together"])
        / median(one["tokens"] / one[by] for one in sides["one_at_a_time"])
        for by in ("seconds", "cpu")
    ]
    return round(ratios[0], 3), round(ratios[1], 3), {"kind": kind, **sides}


async def ask(given: argparse.Namespace) -> dict[str, Any]:
    """The questions through the cache and the retries, as an evaluate stage puts them."""
    from openbezoar.evaluations.dialogues import Interview
    from openbezoar.evaluations.held_out import spread
    from openbezoar.evaluations.questions import SAMPLE, QuestionFiles
    from openbezoar.families import ModelSpec, Request
    from openbezoar.models.llama_cpp import LlamaCpp, Slots
    from openbezoar.models.policies import open_model
    from openbezoar.models.transformers import Transformers
    from openbezoar.records import Message

    slots = (given.slots or Slots().slots) if given.together > 1 else 1
    spec: ModelSpec = LlamaCpp(model=MODEL, runtime=Slots(slots=slots, threads=given.threads))
    if given.kind == "transformers":
        spec = Transformers(checkpoint=MODEL)
    questions = spread(QuestionFiles(SAMPLE).load("vetted"), given.questions)
    usage: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with open_model(spec, Path(folder) / "answers.sqlite", usage) as student:
            await student.complete(Request(messages=(Message(role="user", content="Hello"),)))
            usage.clear()
            cpu, clock = time.process_time(), time.monotonic()
            await Interview(given.together, given.tokens, seed=7).ask(questions, student)
            cpu, seconds = time.process_time() - cpu, time.monotonic() - clock
    return {"tokens": usage["tokens_out"], "seconds": round(seconds, 2), "cpu": round(cpu, 2)}


async def judge(given: argparse.Namespace) -> dict[str, Any]:
    """Verdicts on both turns of many answers, as the evaluation `mt_bench` asks for them."""
    import openai  # noqa: F401 - its import is not what is measured

    from openbezoar.evaluations.dialogues import Dialogue, Turn
    from openbezoar.evaluations.judging import Court
    from openbezoar.evaluations.questions import SAMPLE, QuestionFiles
    from openbezoar.judges.rating import form_of
    from openbezoar.judges.wording import Exchange, OwnWording
    from openbezoar.models.endpoint import Endpoint
    from openbezoar.models.openai import OpenAI
    from openbezoar.models.policies import open_model

    questions = QuestionFiles(SAMPLE).load("vetted")
    dialogues = [
        Dialogue(one, tuple(Turn(Exchange(text, f"Answer {number}.")) for text in one.turns))
        for number in range(given.verdicts // 2)
        for one in [questions[number % len(questions)]]
    ]
    runtime = Endpoint(base_url=given.address, concurrency=given.in_flight)
    court = Court(OwnWording(), tokens=100, seed=7, concurrency=given.in_flight)
    usage: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        spec = OpenAI(model="m", runtime=runtime)
        async with open_model(spec, Path(folder) / "answers.sqlite", usage) as model:
            cpu, clock = time.process_time(), time.monotonic()
            found = await court.rate(dialogues, model, form_of("brackets"))
            cpu, seconds = time.process_time() - cpu, time.monotonic() - clock
    assert all(one.reading.value == 7 for judged in found for one in judged)
    return {"verdicts": usage["requests"], "seconds": round(seconds, 2), "cpu": round(cpu, 2)}


def serve() -> None:
    """The judge, until its standard input is closed."""
    from tests.faults.server import Reply, completion, listening

    reply = Reply(completion("A fair answer that says little. Rating: [[7]]"), delay=LATENCY)
    with listening(lambda body: reply) as address:
        print(address, flush=True)
        sys.stdin.read()


@contextmanager
def serving() -> Iterator[str]:
    """The judge in a process of its own; its address."""
    call = [sys.executable, __file__, "--child", "server"]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


def child(given: argparse.Namespace, name: str, *options: str) -> dict[str, Any]:
    """One measurement in a process of its own, under the same settings."""
    same = ("questions", "tokens", "threads", "verdicts", "in_flight")
    told = [f"--{option.replace('_', '-')}={getattr(given, option)}" for option in same]
    told += [f"--slots={given.slots}"] if given.slots else []
    found = run([sys.executable, __file__, "--child", name, *told, *options])
    print(name, *options, found, file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    main()
