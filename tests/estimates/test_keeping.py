"""Estimates outlive a run, and what was expected first is what counts."""

from pathlib import Path

import pytest

from openbezoar.errors import StoreError
from openbezoar.estimates.estimate import Estimate
from openbezoar.estimates.keeping import FILE, keep, kept
from openbezoar.ranges import Range, exactly
from openbezoar.store import Store

ROWS = Estimate(stage="rows", kind="generate", fingerprint="a" * 64, rows=exactly(4))
MONEY = Range(low=0.1, likely=0.2, high=3)


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    other = Estimate(
        stage="kept", kind="filter", fingerprint="b" * 64, usd=MONEY, unpriced=("m",), notes=("…",)
    )
    keep(Store(tmp_path), [ROWS])
    keep(Store(tmp_path), [other])
    assert kept(Store(tmp_path)) == {"a" * 64: ROWS, "b" * 64: other}


def test_a_store_that_no_run_has_used_holds_none(tmp_path: Path) -> None:
    assert kept(Store(tmp_path)) == {}


def test_a_stage_that_goes_on_keeps_its_first_estimate(tmp_path: Path) -> None:
    keep(Store(tmp_path), [ROWS])
    again = ROWS.model_copy(update={"rows": exactly(9)})
    keep(Store(tmp_path), [again], begun=[ROWS.fingerprint])
    assert kept(Store(tmp_path))[ROWS.fingerprint].rows == exactly(4)
    keep(Store(tmp_path), [again])
    assert kept(Store(tmp_path))[ROWS.fingerprint].rows == exactly(9)


def test_a_stage_that_is_made_needs_no_other(tmp_path: Path) -> None:
    keep(Store(tmp_path), [ROWS])
    keep(Store(tmp_path), [ROWS.model_copy(update={"basis": "made", "rows": None})])
    assert kept(Store(tmp_path))[ROWS.fingerprint] == ROWS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"format": 99, "estimates": []}', "newer version; upgrade"),
        ("[]", "remove it"),
        ("{", "remove it"),
        ('{"format": 1, "estimates": [{"stage": 3}]}', "remove it"),
        ('{"format": 1, "estimates": [{"stage": "a", "kind": "b", "rows": {"low": 2}}]}', "remove"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=says) as caught:
        kept(Store(tmp_path))
    assert "\n" not in str(caught.value)
