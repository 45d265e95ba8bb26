"""How many of something, in words."""

import pytest

from openbezoar.plurals import counted


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1200, "1,200 rows")]
)
def test_a_number_and_its_noun_agree(count: int, shown: str) -> None:
    assert counted(count, "row") == shown
