"""A judge's server that goes away half-way: a line says so, and nothing is judged twice."""

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from openbezoar import runner
from openbezoar.jsonl import read_objects
from openbezoar.recipe import load
from openbezoar.store import Store
from tests.faults.conftest import Bench
from tests.faults.server import Reply, completion, listening

TEXT = """\
name: judged
models:
  student: {kind: transformers, checkpoint: CHECKPOINT}
  judge:
    kind: openai
    model: j
    runtime: {base_url: ADDRESS, api_key_env: TEST_KEY, max_retries: 1, concurrency: 1}
stages:
  scores:
    kind: evaluate
    model: student
    evaluations: [{kind: mt_bench, judge: judge, limit: 4, answer_tokens: 16}]
"""


class Judge:
    """Rates an answer by its length until it goes away after so many ratings."""

    def __init__(self) -> None:
        self.rated: Counter[str] = Counter()
        self.left = 2
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> Reply:
        """A rating, or a connection that is reset."""
        with self._lock:
            if not self.left:
                return Reply(ends="unsaid")
            self.left -= 1
            self.rated[json.dumps(body)] += 1
        return Reply(completion(f"Rating: [[{1 + len(json.dumps(body)) % 10}]]"))


@pytest.mark.slow
def test_a_judge_that_goes_down_half_way_is_one_line_and_nothing_is_judged_twice(
    bench: Bench, tiny_checkpoint: Path
) -> None:
    judge = Judge()
    address = bench.stack.enter_context(listening(judge))
    text = TEXT.replace("CHECKPOINT", str(tiny_checkpoint)).replace("ADDRESS", address)
    (bench.folder / "recipe.yaml").write_text(text, encoding="utf-8")
    with bench.start() as process:
        _, told = process.communicate()
    assert (process.returncode, judge.rated.total()) == (1, 2)
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith(f"error: model 'j' at {address} broke off the conn")
    judge.left = 100
    made = runner.run(load(bench.folder / "recipe.yaml", ()), Store(Path("store")), lambda *_: None)
    items = [row for _, row in read_objects(made[-1].folder / "items.jsonl")]
    rated = [row["id"] for row in items if row["rating"] is not None]
    assert len(items) == 8
    assert len(judge.rated) == judge.rated.total() == len(rated) > 2
