"""The verdict on an artifact: the licence it can be under, or what stands in the way, and why."""

from collections.abc import Iterator, Sequence

from openbezoar.errors import DataError
from openbezoar.licences.attribution import attributions
from openbezoar.licences.facts import Licence, licence_of
from openbezoar.licences.findings import Findings, judged
from openbezoar.licences.lineage import MODELS, lineage
from openbezoar.licences.records import LicenceVerdict
from openbezoar.licences.rows import Tally, tally
from openbezoar.licences.rules import Outcome, combined, side_by_side
from openbezoar.licences.statements import stated
from openbezoar.store import Artifact, Store

__all__ = ["told", "verdict"]

MODEL = (
    "a model is taken for a work made of every row that it learned from and of its base; whether "
    "the law sees it so is not settled"
)
BESIDE = "each row stays under its own licence"


def verdict(store: Store, artifact: Artifact) -> LicenceVerdict:
    """Under which licence the artifact can be passed on; DataError where it is no rows or weights.

    Reads the manifests above it and its rows, one at a time; nothing outside this machine.
    """
    try:
        line = lineage(store, artifact)
        origins = tuple(stated(store, use) for use in line.uses)
        rows = tally(line.data)
    except (KeyError, TypeError, FileNotFoundError) as error:
        raise DataError(
            f"{artifact.folder.name}: what it was made from cannot be told from its manifests "
            f"({error}); make it again"
        ) from None
    is_model = artifact.manifest.kind in MODELS
    found = judged(origins, rows, is_model)
    for stage in line.lost:
        found.unknown.append(f"stage {stage}: the store no longer holds what it made; run it again")
    outcome = _outcome(rows, found, is_model)
    conflicts = (*found.conflicts, *outcome.conflicts)
    return LicenceVerdict(
        spdx=None if conflicts or found.unknown else outcome.spdx,
        reasons=tuple(dict.fromkeys([*found.reasons, *_manner(outcome, is_model)])),
        conflicts=tuple(dict.fromkeys(conflicts)),
        unknown=tuple(dict.fromkeys(found.unknown)),
        attributions=attributions(origins),
        origins=origins,
        licences=dict(sorted(rows.by_licence().items())),
    )


def told(found: LicenceVerdict) -> list[str]:
    """The verdict in lines: the identifier, then all that stands in the way or leads to it."""
    return [
        f"licence: {found.spdx or 'none follows'}",
        *(f"  conflict: {text}" for text in found.conflicts),
        *(f"  unknown: {text}" for text in found.unknown),
        *(f"  {text}" for text in found.reasons),
    ]


def _outcome(rows: Tally, found: Findings, is_model: bool) -> Outcome:
    """One work of everything for a model; for rows what each of them is under."""
    known = [_known(licences) for licences in rows.combinations]
    if is_model:
        return combined([*(licence for each in known for licence in each), *found.binding])
    outcomes = [combined([*each, *found.binding]) for each in known if each or found.binding]
    conflicts = tuple(text for outcome in outcomes for text in outcome.conflicts)
    return Outcome(side_by_side(one.spdx for one in outcomes if one.spdx) or None, conflicts)


def _known(licences: Sequence[str]) -> list[Licence]:
    return [licence for text in licences if (licence := licence_of(text))]


def _manner(outcome: Outcome, is_model: bool) -> Iterator[str]:
    if is_model:
        yield MODEL
    elif outcome.spdx and " AND " in outcome.spdx:
        yield BESIDE
