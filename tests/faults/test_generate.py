"""Whatever a teacher's server does, no row is lost, none is made twice, and no key leaks."""

import logging
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from openbezoar.errors import ModelError
from openbezoar.store import Store
from tests.faults.conftest import KEY, Bench, content, split_rows
from tests.faults.server import Reply, completion
from tests.faults.teacher import FOR_GOOD, PASSING, FaultyTeacher

ROWS = 300
REASONS = {
    "cut by the token limit",
    "empty answer",
    "refused by the server",
    "withheld by the provider",
}


@pytest.mark.slow
def test_every_row_is_made_or_failed_with_its_reason_under_every_fault(bench: Bench) -> None:
    teacher = FaultyTeacher(canary=KEY)
    bench.prepare(ROWS, teacher)
    made = bench.run()
    kept, failed = split_rows(made)
    assert sorted([*kept, *failed], key=int) == [str(n) for n in range(ROWS)]
    assert kept == sorted(kept, key=int)
    assert set(failed.values()) == REASONS
    assert set(teacher.faults) == {*PASSING, *FOR_GOOD}
    usage = made.manifest.run["usage"]
    assert isinstance(usage, dict)
    assert usage["retries"] == teacher.asked.total() - ROWS > 0


@pytest.mark.slow
def test_runs_killed_at_random_write_the_bytes_of_one_that_lived(bench: Bench) -> None:
    bench.prepare(ROWS, FaultyTeacher())
    whole = bench.run(store="lived")
    killed = FaultyTeacher()
    bench.prepare(ROWS, killed)
    for moment in random.Random(7).sample(range(20, 80), 3):
        before = killed.asked.total()
        with bench.start(store="killed") as process:
            while killed.asked.total() < before + moment and process.poll() is None:
                time.sleep(0.005)
            process.kill()
        assert process.returncode == -signal.SIGKILL
    made = bench.run(store="killed")
    assert content(made.folder) == content(whole.folder)
    assert made.manifest.numbers == whole.manifest.numbers


@pytest.mark.slow
def test_a_planted_key_appears_nowhere(
    bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    bench.prepare(100, FaultyTeacher(canary=KEY))
    bench.run()
    files = [path for path in bench.folder.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".sqlite") for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.slow
def test_a_dead_server_is_one_line_and_a_new_one_continues(bench: Bench) -> None:
    teacher = FaultyTeacher(share=0)
    bench.prepare(20, teacher)
    alive = (bench.folder / "recipe.yaml").read_text(encoding="utf-8")
    bench.point_at("http://127.0.0.1:9/v1")
    with bench.start("models.teacher.runtime.max_retries=1") as process:
        _, told = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith(
        "error: model 'm' at http://127.0.0.1:9/v1 cannot be reached; start the server"
    )
    assert [one.manifest.stage for one in Store(bench.folder / "store").artifacts()] == ["seeds"]
    (bench.folder / "recipe.yaml").write_text(alive, encoding="utf-8")
    kept, failed = split_rows(bench.run())
    assert len(kept) + len(failed) == 20


def test_above_the_failure_share_the_stage_stops(bench: Bench) -> None:
    bench.prepare(200, lambda body: Reply(completion("")))
    with pytest.raises(ModelError, match=r"64 of the last 64 rows failed.*empty answer"):
        bench.run()
    assert not list(Path("store").glob("rows-*[0-9a-f]"))


def test_a_row_that_breaks_the_server_fails_alone(bench: Bench) -> None:
    def answer(body: dict[str, list[dict[str, str]]]) -> Reply:
        poison = "Question 7?" in body["messages"][-1]["content"]
        return Reply(b"crash", 500) if poison else Reply(completion("Fine."))

    bench.prepare(12, answer)
    kept, failed = split_rows(bench.run("models.teacher.runtime.max_retries=1"))
    assert len(kept) == 11
    assert failed == {"7": "no usable reply from the server"}


@pytest.mark.parametrize(
    ("budget", "told_as"),
    [
        (("budget={tokens: 700}",), "the budget of the recipe (700 tokens)"),
        (
            ("budget={usd: 0.0007}", "prices={m: {input: 1, output: 1}}"),
            "the budget of the recipe (0.0007 usd)",
        ),
        (("budget={hours: 1.0e-9}",), "the run's time of 1e-09 hours is over"),
    ],
)
def test_a_budget_ends_the_run_with_its_own_code_and_a_larger_one_continues(
    bench: Bench, budget: tuple[str, ...], told_as: str
) -> None:
    asked: Counter[str] = Counter()

    def answer(body: dict[str, list[dict[str, str]]]) -> Reply:
        asked[body["messages"][-1]["content"]] += 1
        return Reply(completion("Fine."))

    bench.prepare(40, answer)
    with bench.start(*budget) as process:
        _, told = process.communicate()
    assert process.returncode == 3
    assert told.splitlines()[-1].startswith(f"error: {told_as}")
    assert asked.total() < 40
    bench.run("budget={tokens: 100000}")
    assert (len(asked), asked.total()) == (40, 40)
