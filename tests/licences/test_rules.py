"""What works of several licences can be put under: a table with a line for every rule."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.licences.facts import Licence, licence_of
from openbezoar.licences.facts import _facts as facts
from openbezoar.licences.rules import combined, side_by_side

SETS = st.lists(st.sampled_from(sorted(facts().licences)), min_size=1, max_size=6)


def licences(*names: str) -> list[Licence]:
    return [found for name in names if (found := licence_of(name))]


@pytest.mark.parametrize(
    ("names", "spdx"),
    [
        (["MIT"], "MIT"),
        (["MIT", "Apache-2.0"], "Apache-2.0 AND MIT"),
        (["CC0-1.0", "MIT"], "MIT"),
        (["CC0-1.0"], "CC0-1.0"),
        (["MIT", "CC-BY-SA-3.0"], "CC-BY-SA-3.0"),
        (["CC-BY-SA-3.0", "CC-BY-SA-4.0"], "CC-BY-SA-4.0"),
        (["CC-BY-SA-4.0", "GPL-3.0-only"], "GPL-3.0-only"),
        (["GPL-2.0-or-later", "GPL-3.0-only", "Apache-2.0"], "GPL-3.0-only"),
        (["GPL-2.0-or-later", "Apache-2.0"], "GPL-3.0-or-later"),
        (["GPL-2.0-or-later", "MIT"], "GPL-2.0-or-later"),
        (["CC-BY-SA-4.0", "GPL-3.0-or-later"], "GPL-3.0-only"),
        (["MIT", "CC-BY-NC-4.0"], "CC-BY-NC-4.0"),
        (["CC-BY-NC-3.0", "CC-BY-NC-4.0"], "CC-BY-NC-3.0 AND CC-BY-NC-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"], "CC-BY-NC-SA-4.0"),
        (["LicenseRef-Gemma", "MIT"], "LicenseRef-Gemma"),
    ],
)
def test_one_licence_covers_works_that_go_together(names: list[str], spdx: str) -> None:
    assert combined(licences(*names)) == (spdx, ())


@pytest.mark.parametrize(
    ("names", "conflict"),
    [
        (["CC-BY-NC-ND-4.0"], "CC-BY-NC-ND-4.0 does not let changed copies be passed on"),
        (["CC-BY-SA-3.0", "CC-BY-NC-4.0"], "lets everybody earn with copies, CC-BY-NC-4.0 nobody"),
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], "both want copies to stay under their own terms"),
        (["CC-BY-SA-3.0", "GPL-3.0-only"], "both want copies to stay under their own terms"),
        (["CC-BY-SA-4.0", "ODbL-1.0"], "CC-BY-SA-4.0 and ODbL-1.0 both want"),
        (["Apache-2.0", "GPL-2.0-only"], "under both Apache-2.0 and GPL-2.0-only"),
        (["LicenseRef-Llama-2", "CC-BY-SA-4.0"], "both want copies to stay"),
        (["CC-BY-SA-3.0", "CC-BY-SA-4.0", "GPL-3.0-only"], "CC-BY-SA-3.0 and GPL-3.0-only both"),
    ],
)
def test_works_that_do_not_go_together_say_why_and_where_it_is_written(
    names: list[str], conflict: str
) -> None:
    found = combined(licences(*names))
    assert found.spdx is None
    assert conflict in " ".join(found.conflicts)
    assert "https://" in found.conflicts[0]


@given(SETS)
def test_every_set_has_an_identifier_or_a_conflict_whatever_its_order(names: list[str]) -> None:
    found = combined(licences(*names))
    assert (found.spdx is None) == bool(found.conflicts)
    assert combined(licences(*names[::-1])) == found


@given(SETS)
def test_an_identifier_asks_for_no_less_than_any_of_the_works(names: list[str]) -> None:
    found = combined(licences(*names))
    held = licences(*(found.spdx or "").split(" AND "))
    for flag in ("share_alike", "non_commercial", "attribution"):
        asked = any(getattr(licence, flag) for licence in licences(*names))
        assert found.conflicts or not asked or any(getattr(one, flag) for one in held)


def test_works_that_lie_beside_each_other_keep_their_own() -> None:
    assert side_by_side(["MIT", "CC-BY-SA-3.0 AND MIT"]) == "CC-BY-SA-3.0 AND MIT"


def test_works_of_which_each_two_go_together_and_all_do_not_are_in_conflict() -> None:
    """No three licences of the table are like this; a line more might make them so."""
    each = [
        Licence(identifier=name, hub=None, source="here", share_alike=True, becomes=becomes)
        for name, becomes in (("A", ("X", "Y")), ("B", ("Y", "Z")), ("C", ("X", "Z")))
    ]
    assert all(combined(pair).spdx for pair in combinations(each, 2))
    assert combined(each) == (None, ("no licence fits A, B, C",))
