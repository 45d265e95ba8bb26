"""Rows stay when all their licences are allowed; what is unknown has a reason of its own."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar.filters.licence import Licence
from openbezoar.records import Seed

Decide = Callable[..., Any]


def bearing(*licences: str) -> Seed:
    return Seed(id="row", instruction="Go.", licences=licences)


@pytest.mark.parametrize(
    ("allow", "licences", "reason"),
    [
        (("open",), ("Apache-2.0",), ""),
        (("open",), ("apache-2.0", "CC-BY-SA-3.0"), ""),
        (("open",), ("Apache-2.0", "CC-BY-NC-4.0"), "CC-BY-NC-4.0"),
        (("open",), ("CC-BY-ND-4.0",), "CC-BY-ND-4.0"),
        (("open",), ("CC-BY-NC-ND-4.0", "GPL-9"), "CC-BY-NC-ND-4.0"),
        (("open",), ("MIT-but-not-really",), "MIT-but-not-really"),
        (("open",), ("LicenseRef-source-terms",), "LicenseRef-source-terms"),
        (("open", "LicenseRef-source-terms"), ("MIT", "LicenseRef-source-terms"), ""),
        (("open", "non-commercial"), ("MIT", "CC-BY-NC-SA-4.0"), ""),
        (("non-commercial",), ("CC-BY-NC-ND-4.0",), "CC-BY-NC-ND-4.0"),
        (("non-commercial",), ("MIT",), "MIT"),
        (("permissive",), ("CC-BY-SA-4.0",), "CC-BY-SA-4.0"),
        (("CC-BY-4.0",), ("CC-BY-4.0",), ""),
        (("CC-BY-4.0",), ("CC-BY-430",), "CC-BY-430"),
        (("open",), (), "unknown"),
        (("open",), ("", " "), "unknown"),
        (("open",), ("MIT", ""), "unknown"),
        (("open",), ("x" * 1000,), "x" * 40),
    ],
)
def test_every_licence_must_be_allowed(
    allow: tuple[str, ...], licences: tuple[str, ...], reason: str, decide: Decide
) -> None:
    (verdict,), _ = decide(Licence(allow=allow), [bearing(*licences)])
    assert (verdict.keep, verdict.reason) == (not reason, reason)


def test_an_unknown_licence_is_kept_only_on_request(decide: Decide) -> None:
    part = Licence(unknown="keep")
    verdicts, _ = decide(part, [bearing(), bearing("MIT"), bearing("CC-BY-NC-4.0")])
    assert [verdict.keep for verdict in verdicts] == [True, True, False]


def test_the_verdict_names_all_licences_of_the_row(decide: Decide) -> None:
    (verdict,), _ = decide(Licence(), [bearing("MIT", "CC-BY-NC-4.0")])
    assert verdict.details == {"licences": ["MIT", "CC-BY-NC-4.0"]}


@pytest.mark.parametrize("allow", [(), ("",)])
def test_something_must_be_allowed(allow: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="allow"):
        Licence(allow=allow)
