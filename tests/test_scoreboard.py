"""The scores of one model on a terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from openbezoar.records import Score
from openbezoar.scoreboard import scoreboard
from openbezoar.store import Artifact, Manifest

SCORES = (
    Score(name="mt_bench", value=9.4375, n=16, missing=2, low=8.1, high=9.91, note="by a judge"),
    Score(name="mt_bench.math", value=None, n=1, missing=3, note="invalid: too many\x1b[2J"),
    Score(name="loss.x", value=1.206, n=15, higher_is_better=False, note="by a judge"),
)
TWINS = (
    Score(name="rte.acc", value=0.5, n=40, low=0.4, high=0.6, flags=("first 40 rows",), note="x"),
    Score(name="rte.acc.chat", value=0.0, n=40, flags=("first 40 rows", "zero"), note="y"),
)


def shown(*evaluations: dict[str, Any], scores: Sequence[Score] = SCORES) -> list[str]:
    manifest = Manifest(
        stage="eval_base", kind="evaluate", makes="scores", fingerprint="f" * 64, inputs={},
        science={"settings": {"evaluations": list(evaluations)}}, files={}, run={},
        numbers={"model": "student", "scores": [one.model_dump(mode="json") for one in scores]},
    )  # fmt: skip
    return scoreboard(Artifact(Path("nowhere"), manifest)).splitlines()


def test_every_score_has_its_interval_and_what_it_rests_on() -> None:
    lines = [line.split() for line in shown()]
    assert lines[0] == ["eval_base", "measured", "student:", "3", "scores"]
    assert lines[3] == ["mt_bench", "↑", "9.438", "8.1", "to", "9.91", "16", "2", "1"]
    assert lines[5] == ["loss.x", "↓", "1.206", "-", "15", "0", "1"]


def test_a_length_has_no_arrow() -> None:
    tokens = Score(name="ledger.tokens", value=50.5, n=8, higher_is_better=None)
    assert shown(scores=[tokens])[3].split() == ["ledger.tokens", "50.5", "8", "0"]


def test_a_score_without_a_value_is_a_dash_and_its_note_says_why() -> None:
    lines = shown()
    assert lines[4].split() == ["mt_bench.math", "↑", "-", "-", "1", "3", "2"]
    assert lines[7:9] == ["note 1: by a judge", "note 2: invalid: too many\\x1b[2J"]


def test_with_and_without_template_stand_side_by_side() -> None:
    lines = shown(scores=TWINS)
    assert lines[2].split("  ")[-1].strip() == "note"
    told = lines[3].split()
    assert told[:7] == ["rte.acc", "\u2191", "0.5", "0.4", "to", "0.6", "0"]
    assert " ".join(lines[3].split("40  ", 1)[1].split()) == "0 first 40 rows; chat: zero 1, 2"


def test_a_score_through_the_template_alone_has_a_row_of_its_own() -> None:
    line = shown(scores=TWINS[1:])[3]
    assert line.startswith("rte.acc.chat")
    assert "first 40 rows; zero" in line


def test_no_scores_make_no_table() -> None:
    assert shown(scores=())[0] == "eval_base measured student: 0 scores"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"kind": "perplexity", "data": "held", "limit": None, "max_tokens": 9},
            "set to kind: perplexity, data: held, max_tokens: 9",
        ),
        ({"kind": "harness", "tasks": ["piqa"], "limit": 5}, "kind: harness, tasks: piqa, limit"),
        ({"kind": "of an older version", "depth": 3}, "set to kind: of an older version, depth: 3"),
    ],
)
def test_settings_are_told_where_they_are_not_the_usual_ones(
    settings: dict[str, Any], line: str
) -> None:
    assert line in shown(settings)[-2]
    assert shown(settings)[-1] == "all there is: bezoar show eval_base --json"
