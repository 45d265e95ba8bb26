"""Walks a row back: what made it, of which rows, up to the sources."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from pydantic import JsonValue

from openbezoar.component import written
from openbezoar.errors import DataError
from openbezoar.lookup import find, nearest, with_name_in
from openbezoar.passport.onward import Held, Part, onward, place_of
from openbezoar.store import Artifact, Store

__all__ = ["Exchange", "Making", "Passport", "passport"]

MAKERS = ("source", "generate")


class Exchange(Part):
    """One request to a teacher, and its answer or the reason why there is none."""

    request: dict[str, Any]
    answer: dict[str, Any] | None = None
    error: str = ""


class Making(Part):
    """The stage that made a row: its teacher, its settings and all that was asked for the row."""

    stage: str
    kind: str
    artifact: str
    teacher: JsonValue = None
    """The teacher's own settings, where there is one."""
    settings: JsonValue
    exchanges: tuple[Exchange, ...] | None = None
    """None where nobody is asked, or where an older version kept no record."""


class Passport(Part):
    """The walk back of one row, and its way onward."""

    id: str
    row: dict[str, Any]
    """The row as it was made, or its failure."""
    made: Making
    held: tuple[Held, ...] = ()
    """The later stages that read it, the first one first; a parent's are left out."""
    parents: tuple["Passport", ...] = ()
    """What it was made from, up to the sources."""
    missing: tuple[str, ...] = ()
    """Parents that the store does not hold."""
    namesakes: tuple[str, ...] = ()
    """Other rows of the same id, as `STAGE/ID`, which finds them."""


def passport(store: Store, name: str) -> Passport:
    """The passport of a row, as made last; DataError with the nearest ids when it is nowhere.

    `STAGE/ID` names the row that the stage made or read, where several have that id.
    """
    name = name.encode(errors="replace").decode()  # a terminal may give what is no text
    artifacts = store.artifacts()
    makers = [one for one in artifacts if one.manifest.kind in MAKERS]
    plain, ways = name, makers[::-1]
    if next(_found(plain, ways), None) is None:
        stage, _, plain = name.partition("/")
        ways = _ways_to(stage, artifacts)
    for maker, row in _found(plain, ways):
        others = _namesakes(row, maker, makers)
        held = () if "reason" in row else tuple(onward(plain, maker, artifacts))
        known = {"held": held, "namesakes": others}
        return _walked(row, maker, artifacts).model_copy(update=known)
    close = nearest(name, [one.folder / "rows.jsonl" for one in makers])
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "look with bezoar peek"
    raise DataError(f"{store.root}: no stage made a row {name!r}; {hint}")


def _walked(row: dict[str, Any], maker: Artifact, artifacts: Sequence[Artifact]) -> Passport:
    above = _above(maker, artifacts)
    wanted = list(dict.fromkeys(row.get("parents", ())))
    found: dict[str, Passport] = {}
    for one in above:
        left = [name for name in wanted if name not in found]
        found |= {parent["id"]: _walked(parent, one, above) for parent in _made(one, left)}
    return Passport(
        id=row["id"],
        row=row,
        made=_making(row["id"], maker),
        parents=tuple(found[name] for name in wanted if name in found),
        missing=tuple(name for name in wanted if name not in found),
    )


def _above(maker: Artifact, artifacts: Sequence[Artifact]) -> list[Artifact]:
    """The artifacts that made what this one read, its nearest inputs first."""
    by_print = {one.manifest.fingerprint: one for one in artifacts}
    reached = [maker]
    for one in reached:
        inputs = [by_print[p] for p in one.manifest.inputs.values() if p in by_print]
        reached += [given for given in inputs if given not in reached]
    return [one for one in reached[1:] if one.manifest.kind in MAKERS]


def _making(name: str, maker: Artifact) -> Making:
    science: Any = maker.manifest.science
    settings = science["settings"]
    teacher = science.get("models", {}).get(settings.get("teacher"), [None])[0]
    return Making(
        **place_of(maker),
        teacher=teacher,
        settings=written(settings),
        exchanges=_exchanges(name, maker),
    )


def _exchanges(name: str, maker: Artifact) -> tuple[Exchange, ...] | None:
    for asked in with_name_in(maker.folder / "asked.jsonl", "rows", name):
        return tuple(Exchange.model_validate(one) for one in asked["exchanges"])
    return None


def _found(name: str, makers: Sequence[Artifact]) -> Iterator[tuple[Artifact, dict[str, Any]]]:
    return ((maker, row) for maker in makers for row in _made(maker, [name]))


def _ways_to(stage: str, artifacts: Sequence[Artifact]) -> list[Artifact]:
    """What made the rows of a stage, its newest artifact first."""
    ends = [one for one in reversed(artifacts) if one.manifest.stage == stage]
    ways = [way for end in ends for way in (end, *_above(end, artifacts))]
    return [way for way in ways if way.manifest.kind in MAKERS]


def _namesakes(row: dict[str, Any], maker: Artifact, makers: Sequence[Artifact]) -> tuple[str, ...]:
    """Where else a row of this id was made that is not the same row; a failure is no row."""
    others = [one for one in makers if one.manifest.stage != maker.manifest.stage]
    found = {
        f"{one.manifest.stage}/{row['id']}"
        for one, other in _found(row["id"], others)
        if other != row and "reason" not in other and "reason" not in row
    }
    return tuple(sorted(found))


def _made(maker: Artifact, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    files = (maker.folder / "rows.jsonl", maker.folder / "failed.jsonl")
    return chain.from_iterable(find(path, names) for path in files)
