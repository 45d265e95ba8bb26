"""What a probe asked already is counted and not paid for again."""

from pathlib import Path

import pytest

from openbezoar.estimates.asking import sift
from openbezoar.estimates.evidence import Evidence, Known
from openbezoar.estimates.rows import Place
from openbezoar.families import Flow, Length
from openbezoar.ranges import exactly
from openbezoar.recipe import Recipe
from openbezoar.store import Artifact, Manifest

JUDGED = {"kind": "judged", "judge": {"kind": "acceptance", "model": "judge"}, "probes": 0}
RECIPE = Recipe.model_validate({
    "name": "small",
    "models": {
        "judge": {"kind": "openai", "model": "gpt-4o"},
        "other": {"kind": "llama_cpp", "model": "absent.gguf"},
    },
    "stages": {
        "rows": {"kind": "source", "source": {"kind": "jsonl", "path": "a", "rows": "examples"}},
        "kept": {"kind": "filter", "rows": "rows", "filters": [JUDGED]},
        "both": {
            "kind": "filter",
            "rows": "rows",
            "filters": [JUDGED, {**JUDGED, "judge": {"kind": "acceptance", "model": "other"}}],
        },
    },
})  # fmt: skip
ROWS = {"rows": Flow(exactly(100), Length(exactly(20), exactly(30)))}
PROBED = Manifest(
    stage="kept", kind="filter", makes="examples", fingerprint="f", science={}, inputs={}, files={},
    numbers={"read": 10, "rows": 8, "filters": [{"filter": "judged", "read": 10}]},
    run={"seconds": 5.0, "usage": {"requests": 10, "tokens_in": 900, "tokens_out": 200}},
)  # fmt: skip


def place(name: str, **evidence: Evidence) -> Place:
    return Place(name, RECIPE, ROWS, Known(evidence))


def test_grades_that_a_probe_left_cost_nothing_more() -> None:
    """Ten of a hundred rows were judged, at 90 and 20 tokens each."""
    probe = Evidence(Artifact(Path("kept"), PROBED), "probe")
    work = sift(RECIPE.stages["kept"], place("kept", kept=probe))  # type: ignore[arg-type]
    assert work.asked is not None
    assert work.anew is not None
    assert work.asked["judge"].tokens_in.likely == pytest.approx(9000)
    assert work.anew["judge"].tokens_in.likely == pytest.approx(8100)


def test_one_judge_that_nobody_knows_leaves_the_memory_of_all_unknown() -> None:
    known = sift(RECIPE.stages["kept"], place("kept"))  # type: ignore[arg-type]
    assert known.memory_mb is not None
    both = sift(RECIPE.stages["both"], place("both"))  # type: ignore[arg-type]
    assert both.memory_mb is None
    assert any("what its model holds is not known" in note for note in both.notes)
