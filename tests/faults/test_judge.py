"""A judge's server that goes away half-way: a line says so, and nothing is judged twice."""

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from openbezoar.jsonl import read_objects
from tests.faults.conftest import Bench
from tests.faults.server import Reply, completion, listening

TEXT = """\
name: judged
models:
  student: {kind: transformers, checkpoint: CHECKPOINT}
  judge:
    kind: openai
    model: j
    runtime: {base_url: ADDRESS, api_key_env: TEST_KEY, max_retries: 0, concurrency: 1}
stages:
  scores:
    kind: evaluate
    model: student
    evaluations: [{kind: mt_bench, judge: judge, limit: 4, answer_tokens: 4}]
"""


class Judge:
    """Rates an answer by its length until it goes away after so many ratings."""

    def __init__(self) -> None:
        self.rated: Counter[str] = Counter()
        self.left = 3
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> Reply:
        """A rating, or a connection that is reset."""
        with self._lock:
            if not self.left:
                return Reply(ends="unsaid")
            self.left -= 1
            self.rated[json.dumps(body)] += 1
        return Reply(completion(f"Rating: [[{1 + len(json.dumps(body)) % 10}]]"))


def ratings(made: Path) -> dict[str, int]:
    return {row["id"]: row["rating"] for _, row in read_objects(made / "items.jsonl")}


@pytest.mark.slow
def test_a_judge_that_goes_down_half_way_is_one_line_and_nothing_is_judged_twice(
    bench: Bench, tiny_checkpoint: Path
) -> None:
    judge = Judge()
    address = bench.stack.enter_context(listening(judge))
    text = TEXT.replace("CHECKPOINT", str(tiny_checkpoint)).replace("ADDRESS", address)
    (bench.folder / "recipe.yaml").write_text(text, encoding="utf-8")
    with bench.start(store="stopped") as process:
        _, told = process.communicate()
    assert (process.returncode, judge.rated.total()) == (1, 3)
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith(f"error: model 'j' at {address} cannot be reached")
    judge.left = 100
    for store in ("stopped", "whole"):
        with bench.start(store=store) as process:
            _, told = process.communicate()
        assert process.returncode == 0, told
    assert set(judge.rated.values()) == {2}, "once for each of the two stores"
    stopped, whole = (next(bench.folder.glob(f"{name}/scores-*")) for name in ("stopped", "whole"))
    assert ratings(stopped) == ratings(whole)
    assert len(ratings(whole)) == len(judge.rated) == 8
