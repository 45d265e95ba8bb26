"""Rows at work on a Ray cluster of two workers give the bytes of a local run, whoever is killed."""

import json
import os
import secrets
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest

from openbezoar.cluster.engine import Engine, connected
from openbezoar.errors import ConfigError
from openbezoar.store import Store
from tests.faults.conftest import KEY, Bench, content
from tests.faults.server import Reply, completion
from tests.faults.teacher import FaultyTeacher

pytestmark = pytest.mark.slow
ON_RAY = "stages.rows.runtime={engine: ray, workers: 2, concurrency: 8}"
JUDGED_ON_RAY = "stages.kept.runtime={engine: ray, workers: 1, concurrency: 8}"
EVOLVED = "stages.rows.scheme={kind: evol_instruct, epochs: 2, seed_tokens: bytes}"
JUDGED = """\
  kept:
    kind: filter
    rows: rows
    filters: [{kind: judged, judge: {kind: acceptance, model: judge}, least_auc: 0}]
"""
JUDGE = """\
  judge:
    kind: scripted
    lines:
      - match: '[02468]\\.\\s*</answer>'
        reply: '{"reason": "even", "rating": 9, "status": "Accept"}'
      - reply: '{"reason": "odd", "rating": 2, "status": "Reject"}'
"""
DELAY = 0.1


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A cluster with room for two workers, whose environment has the key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_KEY", KEY)
        patch.setenv("NO_PROXY", "*")
        # Otherwise Ray writes a token into the home folder, which a cluster beside may read.
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(16))
        with connected(Engine(engine="ray", address="local", workers=2)):
            yield


class Evolver:
    """Answers by the request alone, after a moment; kills a worker at one of the requests."""

    def __init__(self, kills_at: int = 0) -> None:
        self.asked: Counter[str] = Counter()
        self.first: dict[str, float] = {}
        self.killed: float | None = None
        self._kills_at = kills_at

    def __call__(self, body: dict[str, Any]) -> Reply:
        key = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:8]
        self.asked[key] += 1
        self.first.setdefault(key, time.monotonic())
        if self.asked.total() == self._kills_at:
            threading.Thread(target=self._kill).start()
        compares = "The two prompts are" in body["messages"][-1]["content"]
        text = "not equal" if compares else f"Describe the green house with the number {key}."
        return Reply(completion(text), delay=DELAY)

    def _kill(self) -> None:
        os.kill(workers()[0], signal.SIGKILL)
        self.killed = time.monotonic()


def workers() -> list[int]:
    """The processes of our own cluster's workers."""
    told = subprocess.check_output(["/bin/ps", "-eo", "pid=,ppid=,args="], text=True)
    shown = [line.split(maxsplit=2) for line in told.splitlines()]
    ours = {pid for pid, parent, _ in shown if int(parent) == os.getpid()}
    return [int(pid) for pid, parent, name in shown if parent in ours and "ray::Worker" in name]


def prepare(bench: Bench, answer: Callable[[dict[str, Any]], Reply], rows: int) -> None:
    """Serve at an address that is not taken for this machine's own, so that the workers ask it."""
    bench.prepare(rows, answer)
    path = bench.folder / "recipe.yaml"
    text = path.read_text(encoding="utf-8").replace("//127.0.0.1:", "//127.1:")
    path.write_text(text.replace("stages:\n", f"{JUDGE}stages:\n") + JUDGED, encoding="utf-8")


def contents(bench: Bench, store: str) -> dict[str, dict[str, bytes]]:
    """The files of every artifact, by the folder's name, which is also its fingerprint."""
    made = Store(bench.folder / store).artifacts()
    return {artifact.folder.name: content(artifact.folder) for artifact in made}


def test_all_that_is_made_and_judged_is_as_in_a_local_run(bench: Bench) -> None:
    prepare(bench, FaultyTeacher(share=0), rows=60)
    bench.run(store="local")
    bench.run(ON_RAY, JUDGED_ON_RAY, store="ray")
    assert contents(bench, "ray") == contents(bench, "local")
    local, made = (Store(bench.folder / name).artifacts() for name in ("local", "ray"))
    assert [one.manifest.numbers for one in made] == [one.manifest.numbers for one in local]
    assert len(made) == 3


def test_a_killed_worker_costs_no_row_and_no_answer(bench: Bench) -> None:
    prepare(bench, Evolver(), rows=24)
    bench.run(EVOLVED, store="local")
    teacher = Evolver(kills_at=70)
    prepare(bench, teacher, rows=24)
    made = bench.run(EVOLVED, ON_RAY, store="ray")
    assert contents(bench, "ray") == contents(bench, "local")
    assert made.manifest.numbers["requests"] == len(teacher.asked) > 100
    assert teacher.killed is not None
    again = [key for key, times in teacher.asked.items() if times > 1]
    assert len(again) <= 8, "more than were in flight"
    assert all(teacher.killed - teacher.first[key] < 3 * DELAY for key in again), "answered before"


def test_a_key_that_the_workers_lack_is_one_line(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANOTHER_KEY", KEY)
    prepare(bench, FaultyTeacher(), rows=20)
    with pytest.raises(ConfigError) as raised:
        bench.run(ON_RAY, "models.teacher.runtime.api_key_env=ANOTHER_KEY")
    assert "the environment variable ANOTHER_KEY is not set" in str(raised.value)
    assert str(raised.value).startswith(f"on {os.uname().nodename}: ")
    assert "\n" not in str(raised.value)
