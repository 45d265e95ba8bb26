"""Compares the account of a run with this machine: versions, data and settings."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from openbezoar.account import Account, versions_of
from openbezoar.plan import REFUSED, Step, differences
from openbezoar.plurals import counted

__all__ = ["Difference", "check", "told_of"]

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
    stages = [*_stages(account, steps)]
    lacking = {one.where for one in stages if one.what == "data"}
    return [
        *_edited(account),
        *_versions(account, versions),
        *stages,
        *(one for one in _refused(steps) if one.where not in lacking),
    ]


def told_of(account: Account, steps: Sequence[Step]) -> list[str]:
    """What a document tells enough of to be checked, and what it does not."""
    names = [name for name, version in account.versions.items() if version is not None]
    made = {manifest.stage for manifest in account.made}
    silent = [step.name for step in steps if step.name not in made]
    if account.fingerprint:
        stages = f"that a stage makes {account.fingerprint[:12]}, so its data and settings, too"
    else:
        stages = f"data and settings of {len(steps) - len(silent)} of {len(steps)} stages"
        stages += f" (nothing told of {', '.join(silent)})" * bool(silent)
    return [
        "the text of the recipe" if account.recipe_sha256 else "not the text of the recipe",
        counted(len(names), "version") if names else "no version: the document tells none",
        stages,
    ]


def _edited(account: Account) -> Iterator[Difference]:
    wanted, found = account.recipe_sha256, sha256(account.recipe.encode()).hexdigest()
    if wanted and wanted != found:
        yield Difference("recipe", "sha256", f"{wanted[:12]} → {found[:12]}: edited since")


def _versions(account: Account, here: Mapping[str, str | None]) -> Iterator[Difference]:
    """Every version that some stage was made with, and that is not the one here."""
    then: dict[str, set[str]] = {}
    for told in (account.versions, *(versions_of(manifest) for manifest in account.made)):
        for name, version in told.items():
            if version is not None:
                then.setdefault(name, set()).add(str(version))
    for name, versions in sorted(then.items()):
        if versions != {here.get(name)}:
            before = ", ".join(sorted(versions))
            yield Difference("version", name, f"{before} → {here.get(name) or 'not here'}")


def _stages(account: Account, steps: Sequence[Step]) -> Iterator[Difference]:
    made = {manifest.stage: manifest for manifest in account.made}
    others = [
        (made[step.name], step)
        for step in steps
        if step.name in made and made[step.name].fingerprint != step.fingerprint
    ]
    told = [line for before, step in others for line in _of_stage(before.science, step)]
    if others and not told:
        before, step = others[0]
        change = f"{before.fingerprint[:12]} → {step.fingerprint[:12]}"
        told = [Difference("artifact", f"stages.{step.name}", change)]
    yield from told
    prints = [step.fingerprint[: len(account.fingerprint)] for step in steps]
    if account.fingerprint and account.fingerprint not in prints:
        print_ = account.fingerprint[:12]
        yield Difference("artifact", print_, "→ none: other data, a checkpoint or a setting")


def _of_stage(before: Any, step: Step) -> Iterator[Difference]:
    """What differs in the stage itself; a stage that only reads another's rows says nothing."""
    now: Any = step.science
    before = before if isinstance(before, dict) else {}
    for part in sorted(before.keys() | now.keys()):
        what: What = PARTS.get(part, "setting")
        place = "" if part == "settings" else part
        files = _files(now.get("settings")) if what == "data" else ()
        for line in differences(before.get(part), now.get(part), place):
            yield Difference(what, f"stages.{step.name}", "; ".join([line, *files]))


def _files(settings: Any, place: str = "") -> list[str]:
    """The files and folders that settings name, each with its place."""
    if not isinstance(settings, dict):
        return []
    named = [f"{place}{name}: {settings[name]}" for name in FILES if settings.get(name)]
    below = [_files(one, f"{place}{name}.") for name, one in settings.items()]
    return sum(below, named)


def _refused(steps: Sequence[Step]) -> Iterator[Difference]:
    for step in steps:
        for warning in step.warnings:
            if warning.startswith(REFUSED):
                yield Difference("machine", f"stages.{step.name}", warning)


PARTS: dict[str, What] = {"evidence": "data", "models": "model"}
"""What the parts of what determines a stage are called, beside its settings."""
FILES = ("path", "folder")
"""The settings that name a file or a folder of data."""
