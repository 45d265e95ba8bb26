"""HH-RLHF as a source: the counts measured on harmless-base/test, limits, subsets.

Rows of the real files are never compared whole: a failure would print them.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError, DataError
from openbezoar.sources.hh_rlhf import HhRlhfSource
from tests.stages.conftest import Run, run

__all__ = ["run"]

Sort = Callable[[HhRlhfSource], tuple[list[Any], list[Any]]]
HARMLESS = HhRlhfSource(subsets=("harmless-base",), splits=("test",))
MEASURED = "ebfaaed21162a4de120ae85366075b34425e2a6303fac59b99555002f7016f03"


@pytest.mark.usefixtures("shared")
def test_harmless_base_test_gives_the_counts_measured_on_it(sort: Sort) -> None:
    """2,312 pairs, 13 of them unusable; 5 of the 9 with a doubled role have unequal prompts too."""
    assert HARMLESS.evidence() == {"harmless-base/test.jsonl.gz": MEASURED}
    kept, rejected = sort(HARMLESS)
    count, reasons = len(kept), Counter(reason for reason, _ in rejected)
    assert count == 2_299
    assert reasons == {"same role twice in a row": 9, "empty answer": 4}


@pytest.mark.usefixtures("shared")
def test_the_rejected_rows_are_the_ones_known_to_be_unusable(sort: Sort) -> None:
    _, rejected = sort(HARMLESS)
    lines = [int(raw["rejected_at"].rpartition(":")[2]) - 1 for _, raw in rejected]
    assert lines == [86, 516, 667, 763, 925, 1103, 1254, 1319, 1688, 1849, 1950, 1952, 2036]


@pytest.mark.usefixtures("shared")
def test_parts_are_read_one_after_the_other_and_limited_each(sort: Sort) -> None:
    both = HhRlhfSource(splits=("test",), per_subset=3, limit=6)
    kept, _ = sort(both)
    assert [row.subset for row in kept] == ["harmless-base"] * 3 + ["helpful-base"] * 3
    assert {row.licences for row in kept} == {("MIT",)}


@pytest.mark.usefixtures("shared")
def test_a_split_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(DataError, match="`bezoar data pull hh-rlhf` fetches it"):
        next(HhRlhfSource().rows())


def test_the_table_of_anomalies_is_the_one_measured_on_harmless_base_test(shared: Path) -> None:
    """A pair may have several faults: the 5 unequal prompts are among the 9 with a doubled role."""
    table: Any = HARMLESS.audit()["harmless-base/test.jsonl.gz"]
    assert {name: count for name, count in table.items() if count} == {
        "pairs": 2_312,
        "usable": 2_299,
        "unusable": 13,
        "several turns of the assistant": 1_650,
        "same role twice in a row": 9,
        "same role twice in a row, chosen": 8,
        "same role twice in a row, rejected": 5,
        "empty answer": 4,
        "empty answer, chosen": 4,
        "unequal prompts": 5,
        "same opening of both answers": 38,
        "prompt of an earlier pair": 2,
    }


def test_the_table_is_among_the_numbers_of_the_stage(run: Run, shared: Path) -> None:
    """It is of the whole file, also where a limit takes a few rows."""
    numbers = run(
        "name: small\nstages:\n  pairs: {kind: source, source: {kind: hh_rlhf, "
        "subsets: [helpful-base], splits: [test], limit: 5}}\n"
    )["pairs"].numbers
    table: Any = numbers["audit"]
    assert numbers["rows"] == 5
    assert table["helpful-base/test.jsonl.gz"]["pairs"] == 2_354


def test_the_first_so_many_are_those_at_the_head_of_the_file(sort: Sort, shared: Path) -> None:
    first = [row.id for row in sort(HARMLESS.model_copy(update={"limit": 100}))[0]]
    assert first == [row.id for row in sort(HARMLESS)[0]][:100]


def test_a_subset_that_does_not_exist_is_told_in_one_line_with_those_that_do(run: Run) -> None:
    text = (
        "name: small\nstages:\n  pairs: {kind: source, source: {kind: hh_rlhf, subsets: [harm]}}\n"
    )
    with pytest.raises(ConfigError) as refused:
        run(text)
    assert "\n" not in str(refused.value)
    for name in ("harmless-base", "helpful-base", "helpful-online", "helpful-rejection-sampled"):
        assert name in str(refused.value)


def test_a_rejected_row_names_its_further_faults(sort: Sort, shared: Path) -> None:
    raw = next(raw for _, raw in sort(HARMLESS)[1] if raw["rejected_at"].endswith(":1255"))
    assert raw["further_faults"] == ["unequal prompts"]


def test_an_odd_pair_is_kept_with_its_flags(sort: Sort, shared: Path) -> None:
    flagged = [row for row in sort(HARMLESS)[0] if row.details.get("flags")]
    flags = Counter(flag for row in flagged for flag in row.details["flags"])
    assert flags == {"same opening of both answers": 38, "prompt of an earlier pair": 2}
