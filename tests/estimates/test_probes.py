"""The rate of a machine is measured once, and that of another device tells nothing."""

import json
from pathlib import Path

import pytest

from openbezoar.estimates.memory import has_gpu
from openbezoar.estimates.probes import probe_store, seen_in_probes
from openbezoar.store import Store

HERE, ELSEWHERE = ("cuda", "cpu") if has_gpu() else ("cpu", "cuda")


def rate(folder: Path, content: object) -> float | None:
    path = folder / "probes" / "rate.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return seen_in_probes(Store(folder), []).flops


def test_the_rate_of_this_device_counts(tmp_path: Path) -> None:
    assert rate(tmp_path, {"device": HERE, "flops": 5e11}) == 5e11


@pytest.mark.parametrize(
    "content",
    [
        {"device": ELSEWHERE, "flops": 5e11},
        {"device": HERE, "flops": 0},
        {"device": HERE, "flops": -1},
        {"device": HERE, "flops": float("nan")},
        {"device": HERE, "flops": float("inf")},
        {"device": HERE, "flops": "fast"},
        {"device": HERE, "flops": 10**400},
        {"device": HERE},
        [],
        "",
        "{",
    ],
)
def test_any_other_rate_is_none(tmp_path: Path, content: object) -> None:
    assert rate(tmp_path, content) is None


def test_a_folder_that_is_no_number_is_passed_by(tmp_path: Path) -> None:
    for name in ("8", "²", "x"):
        (tmp_path / "probes" / name).mkdir(parents=True)
    assert seen_in_probes(Store(tmp_path), []).evidence == {}
    assert probe_store(Store(tmp_path), 8).root == tmp_path / "probes" / "8"
