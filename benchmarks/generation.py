"""Measures generation against a server with one second of latency, beside the bare SDK and peers.

    python benchmarks/generation.py --json             # ours and the bare SDK, 5,000 requests
    python benchmarks/generation.py --json --growth    # and the memory of 50,000 requests
    python benchmarks/generation.py --json --peers     # and distilabel and curator, own venvs

Ours is the generate stage as `bezoar run` runs it: cache, passports, retries and rows on disk. Each
contender runs in a process of its own; processor time and memory are that process's, imports left
out. The ideal is the latency times the rounds that the requests need.
"""

import argparse
import asyncio
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks.contenders import environment, options, run, show  # noqa: E402 - found by that

LATENCY = 1.0
ANSWER = "Forty words or so of an answer that a teacher might have given to this. " * 3
PEERS = {"distilabel": "distilabel[openai] requests", "curator": "bespokelabs-curator"}
RECIPE = """\
name: generation
models:
  teacher:
    kind: openai
    model: m
    runtime: {base_url: ADDRESS, concurrency: MANY}
stages:
  seeds: {kind: source, source: {kind: jsonl, path: SEEDS}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}, runtime: {concurrency: MANY}}
"""  # noqa: E501 - one line a stage


def main() -> None:
    """Run every contender and print one JSON object, or its keys one by one."""
    given = arguments()
    if given.only == "server":
        serve()
        return
    if given.only:
        print(json.dumps({"ours": ours, "bare": bare}[given.only](given)))
        return
    with serving() as address:
        found = measured(given, address)
    show(found, given.json)


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = options(__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--growth", action="store_true", help="ask ten times as often once more")
    parser.add_argument("--only", choices=["server", "ours", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--address", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(given: argparse.Namespace, address: str) -> dict[str, Any]:
    """The figures, ours beside the others' of the same run."""
    size = [f"--requests={given.requests}", f"--in-flight={given.in_flight}"]
    us = child("ours", address, *size)
    sdk = child("bare", address, *size)
    ideal = LATENCY * math.ceil(given.requests / given.in_flight)
    found: dict[str, Any] = {
        "requests": given.requests,
        "in_flight": given.in_flight,
        "requests_per_second": round(given.requests / us["seconds"], 1),
        "ideal_fraction": round(ideal / us["seconds"], 4),
        "cpu_ms": round(1000 * us["cpu"] / given.requests, 3),
        "cpu_ms_sdk": round(1000 * sdk["cpu"] / given.requests, 3),
        "cpu_ms_over_sdk": round(1000 * (us["cpu"] - sdk["cpu"]) / given.requests, 3),
        "rss_growth_mb": None,
        "peers": {"asyncio.gather over the SDK": beside(us, sdk)},
    }
    if given.growth:
        long = child("ours", address, f"--requests={10 * given.requests}", size[1])
        found["rss_growth_mb"] = long["growth_mb"]
    if given.peers:
        for name, package in PEERS.items():
            found["peers"][name] = beside(us, peer(name, package, given, address))
    return found


def beside(us: dict[str, Any], them: dict[str, Any]) -> dict[str, Any]:
    """A contender's figures, and how many times as long and as much processor time it took."""
    return {
        **them,
        "seconds_ratio": round(them["seconds"] / us["seconds"], 2),
        "cpu_ratio": round(them["cpu"] / us["cpu"], 2),
    }


def ours(given: argparse.Namespace) -> dict[str, Any]:
    """The generate stage of a recipe, in a folder that is thrown away."""
    import openai  # noqa: F401 - its import is not what is measured

    from openbezoar import runner
    from openbezoar.recipe import load
    from openbezoar.store import Store

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [{"id": str(n), "instruction": question(n)} for n in range(given.requests)]
        seeds = folder / "seeds.jsonl"
        seeds.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        text = RECIPE.replace("ADDRESS", given.address).replace("SEEDS", str(seeds))
        path = folder / "recipe.yaml"
        path.write_text(text.replace("MANY", str(given.in_flight)), encoding="utf-8")
        recipe, store = load(path), Store(folder / "store")
        resident: list[float] = []
        cpu, clock = time.process_time(), time.monotonic()

        def say(stage: str, told: str) -> None:
            done = told.partition("/")[0]
            if done.isdigit() and int(done) % 500 == 0 and int(done) >= given.requests // 10:
                resident.append(resident_mb())

        made = runner.run(recipe, store, say)
        cpu, seconds = time.process_time() - cpu, time.monotonic() - clock
        assert made[-1].numbers["rows"] == given.requests, made[-1].numbers
    growth = round(max(resident) - resident[0], 1) if resident else None
    return {"seconds": round(seconds, 3), "cpu": round(cpu, 3), "growth_mb": growth}


def bare(given: argparse.Namespace) -> dict[str, Any]:
    """`asyncio.gather` over the official client, as one writes it in ten lines."""
    import openai

    async def ask_all() -> None:
        async with openai.AsyncOpenAI(base_url=given.address, api_key="none") as client:
            gate = asyncio.Semaphore(given.in_flight)

            async def ask(number: int) -> str:
                async with gate:
                    reply = await client.chat.completions.create(
                        model="m", messages=[{"role": "user", "content": question(number)}]
                    )
                return reply.choices[0].message.content or ""

            answers = await asyncio.gather(*map(ask, range(given.requests)))
            assert all(answers)

    cpu, clock = time.process_time(), time.monotonic()
    asyncio.run(ask_all())
    cpu, seconds = time.process_time() - cpu, time.monotonic() - clock
    return {"version": openai.__version__, "seconds": round(seconds, 3), "cpu": round(cpu, 3)}


def serve() -> None:
    """The teacher, until its standard input is closed."""
    from tests.faults.server import Reply, completion, listening

    reply = Reply(completion(ANSWER), delay=LATENCY)
    with listening(lambda body: reply) as address:
        print(address, flush=True)
        sys.stdin.read()


@contextmanager
def serving() -> Iterator[str]:
    """The teacher in a process of its own; its address."""
    call = [sys.executable, __file__, "--only", "server"]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


def child(only: str, address: str, *size: str) -> dict[str, Any]:
    """One contender in a process of its own."""
    return run([sys.executable, __file__, "--only", only, "--address", address, *size])


def peer(name: str, package: str, given: argparse.Namespace, address: str) -> dict[str, Any]:
    """A peer in an environment of its own, made at the first call."""
    python = environment(given.venvs / name, package)
    script = Path(__file__).with_name(f"generation_{name}.py")
    return run([str(python), str(script), address, str(given.requests), str(given.in_flight)])


def question(number: int) -> str:
    """A question of its own for every row."""
    return f"What should one know about subject number {number}, and why does it matter at all?"


def resident_mb() -> float:
    """The memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
