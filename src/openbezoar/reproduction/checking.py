"""Compares the account of a run with this machine: versions, data and settings."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from openbezoar.account import Account
from openbezoar.plan import Step, differences

__all__ = ["Difference", "check"]

REFUSED = "a run will refuse: "
"""How a plan's warning begins that stops a run."""


What = Literal["recipe", "version", "data", "model", "setting", "artifact", "machine"]


class Difference(NamedTuple):
    """One thing that is not here as it was then."""

    what: What
    where: str
    difference: str

    @property
    def decisive(self) -> bool:
        """Whether the run cannot be the same run; another version may well give the same."""
        return self.what != "version"


def check(
    account: Account, steps: Sequence[Step], versions: Mapping[str, str | None]
) -> list[Difference]:
    """What differs between a run as told and the same recipe planned here, with these versions."""
    return [
        *_edited(account),
        *_versions(account.versions, versions),
        *_stages(account, steps),
        *_refused(steps),
    ]


def _edited(account: Account) -> Iterator[Difference]:
    wanted, found = account.recipe_sha256, sha256(account.recipe.encode()).hexdigest()
    if wanted and wanted != found:
        yield Difference("recipe", "sha256", f"{wanted[:12]} → {found[:12]}: edited since")


def _versions(
    then: Mapping[str, str | None], here: Mapping[str, str | None]
) -> Iterator[Difference]:
    for name, version in sorted(then.items()):
        if version is not None and here.get(name) != version:
            yield Difference("version", name, f"{version} → {here.get(name) or 'not here'}")


def _stages(account: Account, steps: Sequence[Step]) -> Iterator[Difference]:
    made = {manifest.stage: manifest for manifest in account.made}
    for step in steps:
        before = made.get(step.name)
        if before is not None and before.fingerprint != step.fingerprint:
            yield from _of_stage(before.science, step)
    if account.fingerprint and account.fingerprint not in _starts(steps, account.fingerprint):
        print_ = account.fingerprint[:12]
        yield Difference("artifact", print_, "→ none: other data, a checkpoint or a setting")


def _of_stage(before: Any, step: Step) -> Iterator[Difference]:
    """What differs in the stage itself; a stage that only reads another's rows says nothing."""
    now: Any = step.science
    before = before if isinstance(before, dict) else {}
    for part in sorted(before.keys() | now.keys()):
        what: What = PARTS.get(part, "setting")
        place = "" if part == "settings" else part
        for line in differences(before.get(part), now.get(part), place):
            yield Difference(what, f"stages.{step.name}", line)


def _starts(steps: Sequence[Step], print_: str) -> list[str]:
    """The fingerprints, cut to the length at which a card tells its own."""
    return [step.fingerprint[: len(print_)] for step in steps]


def _refused(steps: Sequence[Step]) -> Iterator[Difference]:
    for step in steps:
        for warning in step.warnings:
            if warning.startswith(REFUSED):
                yield Difference("machine", f"stages.{step.name}", warning)


PARTS: dict[str, What] = {"evidence": "data", "models": "model"}
"""What the parts of what determines a stage are called, beside its settings."""
