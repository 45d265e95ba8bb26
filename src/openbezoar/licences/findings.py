"""What each origin of an artifact, and each licence of its rows, means for the artifact."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from openbezoar.licences.facts import Licence, licence_of, provider_named
from openbezoar.licences.records import Origin
from openbezoar.licences.rows import Tally

__all__ = ["Findings", "judged"]


@dataclass(frozen=True)
class Findings:
    """What was found on the way."""

    binding: list[Licence] = field(default_factory=list)
    """The licences of models that the artifact must keep to, beside those of its rows."""
    reasons: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def judged(origins: Sequence[Origin], rows: Tally, is_model: bool) -> Findings:
    """Judge the rows' licences first, then every origin."""
    found = Findings()
    for licence, count in sorted(rows.by_licence().items()):
        _judge_rows(licence, count, found)
    if rows.bare:
        found.unknown.append(
            f"{_bear(rows.bare)} no licence; state it with `licences` of their source"
        )
    bases = [licence_of(one.licence) for one in origins if one.role == "base"]
    for origin in origins:
        if origin.role == "wording" and not licence_of(origin.licence):
            found.unknown.append(f"{_named(origin)}: nobody states its licence")
        elif origin.role in ("teacher", "judge", "base"):
            _judge_model(origin, is_model, bases, found)
    return found


def duties(licence: Licence) -> str:
    """What a licence asks, in words."""
    asked = [
        ("the authors are to be named", licence.attribution),
        ("changed copies stay under it", licence.share_alike),
        ("nobody may earn with it", licence.non_commercial),
        ("changed copies may not be passed on", licence.no_derivatives),
    ]
    return ", ".join(words for words, applies in asked if applies) or "it asks for nothing"


def _judge_rows(text: str, count: int, found: Findings) -> None:
    licence = licence_of(text)
    if licence is None:
        found.unknown.append(f"{_bear(count)} {text!r}: {_stranger(text)}")
    else:
        found.reasons.append(
            f"{_bear(count)} {licence.identifier}: {duties(licence)} ({licence.source})"
        )


def _judge_model(
    origin: Origin, is_model: bool, bases: Sequence[Licence | None], found: Findings
) -> None:
    place = f"models.{origin.name} in the recipe"
    provider = provider_named(origin.provider)
    if provider is not None:
        found.conflicts.append(
            f"{_named(origin)}: {provider.name}'s terms do not let answers be used to develop "
            f"models that compete with its own ({provider.source}), and no licence passes that on"
        )
    elif origin.stranger:
        found.unknown.append(
            f"{_named(origin)}: the terms of {origin.stranger}, which serves it, are not known "
            f"here; read them, then write `licence:` under {place}"
        )
    licence = licence_of(origin.licence)
    if licence is not None and licence.answers == "train nothing" and origin.role != "base":
        _judge_family(origin, licence, bases, found)
    elif licence is not None:
        _judge_licence(origin, licence, is_model, found)
    elif origin.licence:
        found.unknown.append(f"{_named(origin)}: {origin.licence!r}, {_stranger(origin.licence)}")
    elif provider is None and not origin.stranger:
        found.unknown.append(
            f"{_named(origin)}: nobody states its licence; write `licence:` under {place} and run "
            "it again, which makes nothing anew"
        )


def _judge_licence(origin: Origin, licence: Licence, is_model: bool, found: Findings) -> None:
    who = f"{_named(origin)} is under {licence.identifier}, as {origin.stated_by} states"
    if origin.role == "base":
        found.binding.append(licence)
        found.reasons.append(f"{who}: {duties(licence)} ({licence.source})")
    elif licence.answers == "bind models" and not is_model:
        found.reasons.append(f"{who}, which binds models trained on its answers, not the rows")
    elif licence.is_free:
        found.reasons.append(f"{who}, which asks nothing of its answers")
    else:
        found.binding.append(licence)
        found.reasons.append(f"{who}: its answers are taken to be bound by it ({licence.source})")


def _judge_family(
    origin: Origin, licence: Licence, bases: Sequence[Licence | None], found: Findings
) -> None:
    """Answers that may improve no model but those of the teacher's own family."""
    if bases and all(base == licence for base in bases):
        found.binding.append(licence)
        found.reasons.append(f"{_named(origin)} is under {licence.identifier}, as its base is")
    else:
        found.conflicts.append(
            f"{_named(origin)} is under {licence.identifier}: its answers may not improve a model "
            f"under another licence ({licence.source})"
        )


def _stranger(text: str) -> str:
    """Why nothing can be said of a licence."""
    if text.lower().startswith("licenseref-"):
        return "terms of their own, which are not known here"
    try:
        canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return "no licence of this name is known"
    return "SPDX knows it, but its terms are not in the table of licences"


def _named(origin: Origin) -> str:
    return f"{origin.role} {origin.name} ({origin.what})"


def _bear(count: int) -> str:
    return "1 row bears" if count == 1 else f"{count:,} rows bear"
