"""The licence in the hub's words, whatever the verdict."""

from typing import Any

import pytest

from openbezoar.cards.metadata import licence_metadata
from openbezoar.licences import LicenceVerdict

OTHER = {"license": "other", "license_name": "terms-in-this-card"}


@pytest.mark.parametrize(
    ("spdx", "of_rows", "of_model"),
    [
        ("CC-BY-SA-3.0", {"license": "cc-by-sa-3.0"}, {"license": "cc-by-sa-3.0"}),
        ("LicenseRef-Gemma", {"license": "gemma"}, {"license": "gemma"}),
        (
            "Apache-2.0 AND MIT",
            {"license": ["apache-2.0", "mit"]},
            {"license": "other", "license_name": "apache-2.0-and-mit"},
        ),
        (
            "CC-BY-SA-2.5",
            *[
                {
                    "license": "other",
                    "license_name": "cc-by-sa-2.5",
                    "license_link": "https://spdx.org/licenses/CC-BY-SA-2.5.html",
                }
            ]
            * 2,
        ),
        (None, {"license": "unknown"}, {"license": "unknown"}),
    ],
)
def test_a_licence_has_the_hubs_word_or_a_name_of_its_own(
    spdx: str | None, of_rows: dict[str, Any], of_model: dict[str, Any]
) -> None:
    found = LicenceVerdict(spdx=spdx, reasons=())
    assert licence_metadata(found, many=True) == of_rows
    assert licence_metadata(found, many=False) == of_model


def test_terms_that_clash_are_named_other_and_not_unknown() -> None:
    found = LicenceVerdict(spdx=None, reasons=(), conflicts=("they clash",))
    assert licence_metadata(found, many=True) == OTHER
