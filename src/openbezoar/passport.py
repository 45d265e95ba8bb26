"""A row's passport: what it is, how it was made, what it came from, and where it went."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from shlex import quote
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_core import to_json

from openbezoar import shelf
from openbezoar.component import written
from openbezoar.errors import DataError
from openbezoar.lookup import find, nearest, with_name_in
from openbezoar.store import Artifact, Store

__all__ = ["Exchange", "Held", "Making", "Passport", "passport", "readable"]

MAKERS = ("source", "generate")
SHOWN = 5
"""How many of the rows made from one are named."""


FACT = 60
"""The longest text of a row's details that is shown whole; longer ones stand in the messages."""


class Part(BaseModel):
    """A part of a passport."""

    model_config = ConfigDict(frozen=True)


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


class Held(Part):
    """A later stage that read the row: what it did with it, and why."""

    stage: str
    kind: str
    artifact: str
    what: str
    reason: str = ""
    grade: dict[str, Any] | None = None
    rows: tuple[str, ...] = ()
    """The first few of the rows made from it there."""


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
        held = () if "reason" in row else tuple(_held(plain, maker, artifacts))
        known = {"held": held, "namesakes": others}
        return _walked(row, maker, artifacts).model_copy(update=known)
    close = nearest(name, [one.folder / "rows.jsonl" for one in makers])
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "look with bezoar peek"
    raise DataError(f"{store.root}: no stage made a row {name!r}; {hint}")


def readable(found: Passport) -> str:
    """A passport as text; control characters are made visible."""
    return shelf.visible("\n".join(_told(found)))


def _told(found: Passport) -> Iterator[str]:
    yield from shelf.lines_of(found.row)
    yield from (f"another row has this id: bezoar why {quote(one)}" for one in found.namesakes)
    made = found.made
    if facts := _facts(found.row):
        yield _compact(facts)
    yield f"made by {made.stage} ({made.kind}, {made.artifact})"
    if made.teacher:
        yield f"  teacher: {_compact(made.teacher)}"
    yield f"  settings: {_compact(made.settings)}"
    for number, exchange in enumerate(made.exchanges or (), start=1):
        yield from _indented(_exchanged(number, exchange))
    if made.kind == "generate" and made.exchanges is None:
        yield "  no record of what was asked: made by an older version"
    for held in found.held:
        yield from _used(held)
    for name in found.missing:
        yield f"from {name}, which is not in this store"
    for parent in found.parents:
        yield f"from {parent.id}:"
        yield from _indented(_told(parent))


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    """What the row says of its making, beside its texts."""
    texts = {"id", "instruction", "context", "target", "chosen", "rejected", "reason", "detail"}
    told = {**row, **row.get("details", {})}
    return {
        name: value
        for name, value in told.items()
        if name not in texts
        if isinstance(value, int | float) or (isinstance(value, str) and 0 < len(value) <= FACT)
    }


def _exchanged(number: int, exchange: Exchange) -> Iterator[str]:
    request = exchange.request
    asked = {name: request[name] for name in ("sampling", "seed", "json_schema") if request[name]}
    yield f"request {number}, attempt {request['attempt']}: {_compact(asked)}"
    yield from _indented(f"{turn['role']}: {turn['content']}" for turn in request["messages"])
    if exchange.answer is None:
        yield f"  no answer: {exchange.error}"
    else:
        yield from _indented(
            [f"answer ({exchange.answer['finish_reason']}): {exchange.answer['text']}"]
        )


def _used(held: Held) -> Iterator[str]:
    yield f"{held.stage} ({held.kind}, {held.artifact}): {held.what}" + (
        f" ({held.reason})" if held.reason else ""
    )
    if held.grade:
        yield f"  grade: {_compact(held.grade)}"
    yield from (f"  {name}" for name in held.rows)


def _indented(parts: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for part in parts for line in part.split("\n"))


def _compact(value: Any) -> str:
    return to_json(value).decode()


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
        **_place(maker),
        teacher=teacher,
        settings=written(settings),
        exchanges=_exchanges(name, maker),
    )


def _place(artifact: Artifact) -> dict[str, str]:
    manifest = artifact.manifest
    return {"stage": manifest.stage, "kind": manifest.kind, "artifact": artifact.folder.name}


def _exchanges(name: str, maker: Artifact) -> tuple[Exchange, ...] | None:
    for asked in with_name_in(maker.folder / "asked.jsonl", "rows", name):
        return tuple(Exchange.model_validate(one) for one in asked["exchanges"])
    return None


def _held(name: str, maker: Artifact, artifacts: Sequence[Artifact]) -> Iterator[Held]:
    """Follow the row from artifact to artifact, for as long as it is among the rows passed on."""
    having = {maker.manifest.fingerprint: "rows"}
    for one in artifacts:
        parts = {read: having[p] for read, p in one.manifest.inputs.items() if p in having}
        if not parts:
            continue
        held, passed_on = _use(name, one, parts)
        if passed_on:
            having[one.manifest.fingerprint] = passed_on
        yield held


def _use(name: str, artifact: Artifact, parts: Mapping[str, str]) -> tuple[Held, str]:
    """What a stage did with the row, and in which of its files later stages find it.

    `parts` are the files in which it found the row, by the stages that it reads.
    """
    match artifact.manifest.kind:
        case "filter":
            return _judged(name, artifact)
        case "mix":
            names = [name, *(f"{read}/{name}" for read in parts)]
            files = [part for part in ("train", "valid") if _is_in(artifact, part, names)]
            words = {"train": "among the rows to train on", "valid": "among the rows to validate"}
            part = files[0] if files else ""
            return Held(**_place(artifact), what=words.get(part, "left out by its limit")), part
        case "generate":
            made = with_name_in(artifact.folder / "rows.jsonl", "parents", name)
            rows = [row["id"] for row in made]
            what = f"rows made from it: {len(rows)}"
            return Held(**_place(artifact), what=what, rows=tuple(rows[:SHOWN])), ""
        case "train":
            what = "validated on it" if "valid" in parts.values() else "trained on it"
            return Held(**_place(artifact), what=what), ""
    return Held(**_place(artifact), what="read its data set"), ""


def _judged(name: str, artifact: Artifact) -> tuple[Held, str]:
    for row in find(artifact.folder / "rows.jsonl", [name]):
        grades = [verdict["grade"] for verdict in row.get("verdicts", ()) if verdict.get("grade")]
        grade = grades[-1] if grades else None
        return Held(**_place(artifact), what="kept", grade=grade), "rows"
    for dropped in find(artifact.folder / "rejected.jsonl", [name], b'"row":{"id":'):
        verdict = dropped["verdict"]
        reason = f"{verdict['filter']}: {verdict['reason']}"
        held = Held(**_place(artifact), what="rejected", reason=reason, grade=verdict.get("grade"))
        return held, ""
    return Held(**_place(artifact), what="not read"), ""


def _is_in(artifact: Artifact, part: str, names: Sequence[str]) -> bool:
    return any(True for _ in find(artifact.folder / f"{part}.jsonl", names))


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
