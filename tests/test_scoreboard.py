"""The scores of one model on a screen."""

import subprocess
import sys
from pathlib import Path

from openbezoar.records import Score
from openbezoar.scoreboard import notes_of, rows_of
from openbezoar.store import Manifest, Store

PLAIN = Score(
    name="rte.acc", value=0.5, n=40, low=0.4, high=0.6, flags=("first 40 rows",), note="x"
)
CHAT = Score(name="rte.acc.chat", value=0.0, n=40, flags=("first 40 rows", "zero"), note="x")


def test_with_and_without_template_stand_side_by_side() -> None:
    [row] = rows_of([PLAIN, CHAT])
    assert row == {
        "metric": "rte.acc", "value": "0.5", "95 % interval": "0.4 to 0.6",
        "with chat template": "0", "its interval": None, "n": 40, "missing": None,
        "flags": "first 40 rows; chat: zero",
    }  # fmt: skip


def test_a_score_through_the_template_alone_has_a_row_of_its_own() -> None:
    [row] = rows_of([CHAT])
    assert (row["metric"], row["flags"]) == ("rte.acc.chat", "first 40 rows; zero")


def test_an_unknown_value_is_a_dash_and_never_a_zero() -> None:
    [row] = rows_of([Score(name="mt_bench", value=None, n=0, missing=9)])
    assert (row["value"], row["missing"]) == ("-", 9)


def test_a_note_is_said_once_for_all_it_is_of() -> None:
    assert notes_of([PLAIN, CHAT, Score(name="a", value=1, n=1)]) == ["rte.acc, rte.acc.chat: x"]


def test_show_prints_the_flags_beside_the_values_and_the_notes_below(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scores = [score.model_dump(mode="json") for score in (PLAIN, CHAT)]
    manifest = Manifest(
        stage="scores", kind="evaluate", makes="scores", fingerprint="s" * 64, science={},
        inputs={}, numbers={"model": "sft", "scores": scores}, files={}, run={},
    )  # fmt: skip
    store.commit(store.begin("scores", "s" * 64), manifest)
    call = [sys.executable, "-c", "from openbezoar.cli import main; main()", "show", "scores"]
    done = subprocess.run(
        [*call, "--store", str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "model: sft" in done.stdout
    [line] = [line for line in done.stdout.splitlines() if line.startswith("rte.acc  ")]
    assert line.split()[1:6] == ["0.5", "0.4", "to", "0.6", "0"]
    assert line.endswith("first 40 rows; chat: zero")
    assert done.stdout.rstrip().endswith("rte.acc, rte.acc.chat: x")
