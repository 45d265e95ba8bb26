"""A comparison on paper, and through the command."""

import json
import subprocess
import sys
from pathlib import Path

from openbezoar.comparison.comparing import Comparison, Found
from openbezoar.comparison.tables import lines_below, rows_of
from openbezoar.store import Store
from tests.comparison.conftest import Put, harness, score

ONE = Comparison(
    metric="piqa.acc", a=0.5, b=0.75, difference=0.25, low=0.05, high=0.4, rows=40, unshared=2,
    p=0.02, p_corrected=0.2, verdict="no difference shown", reservations="shots 0 and 5",
    flags="A: below chance (0.500)",
)  # fmt: skip


def test_every_reservation_stands_below_the_table() -> None:
    found = Found(
        a="x", b="y", method="by coin", comparisons=(ONE,), not_compared={"boolq.acc": "only x"}
    )
    assert rows_of(found)[0]["verdict"] == "no difference shown"
    assert rows_of(found)[0]["flags"] == "A: below chance (0.500)"
    assert lines_below(found) == [
        "A is x, B is y",
        "by coin",
        "piqa.acc: alone it would be shown; among so many it may be chance",
        "piqa.acc: 2 items with a value on one side only",
        "piqa.acc: compared though settings differ: shots 0 and 5",
        "boolq.acc: not compared: only x",
    ]


def test_a_handful_of_rows_is_not_said_to_show_anything_alone() -> None:
    few = ONE.model_copy(update={"p": 0.0625, "unshared": 0, "reservations": ""})
    found = Found(a="x", b="y", method="by coin", comparisons=(few,), not_compared={})
    told = "piqa.acc: too few rows differ to show anything, whatever the interval"
    assert lines_below(found)[2:] == [told]


def bezoar(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from openbezoar.cli import main; main()", *arguments],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_command_compares_two_stages(store: Store, put: Put, tmp_path: Path) -> None:
    values = {"a": [0.0, 1.0] * 20, "b": [1.0] * 40}
    for name, held in values.items():
        put(name, [score("piqa.acc", sum(held) / 40)], harness(held))
    where = ("--store", str(store.root))
    shown = bezoar("compare", "a", "b", *where)
    assert shown.returncode == 0, shown.stderr
    assert "B is better" in shown.stdout.splitlines()[1]
    assert "A is a (a_model), B is b (b_model)" in shown.stdout
    found = json.loads(bezoar("compare", "a", "b", *where, "--json").stdout)
    assert found["comparisons"][0]["verdict"] == "B is better"
    same = json.loads(bezoar("compare", "a", "a", *where, "--store-b", where[1], "--json").stdout)
    assert same["comparisons"][0]["verdict"] == "no difference shown"
    wrong = bezoar("compare", "a", "c", *where)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "holds no stage 'c'" in wrong.stderr
