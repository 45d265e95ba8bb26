"""Reads what a store holds, for people: an overview, the funnels, a stage's artifact and rows."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple
from unicodedata import category

from pydantic_core import to_json

from openbezoar import jsonl
from openbezoar.component import nearest
from openbezoar.errors import DataError, StoreError
from openbezoar.plurals import counted
from openbezoar.store import Artifact, Store

__all__ = [
    "cost",
    "funnel",
    "kept_contaminated",
    "latest",
    "lines_of",
    "overview",
    "readable",
    "reasons",
    "rows",
    "visible",
]

STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Kinds of characters that can move the cursor, turn the direction of text or break a line."""
HARMLESS = "\n\t\u200c\u200d"
"""Of those: line ends, tabs, and the joiners that Persian, Hindi and emoji are written with."""


def overview(artifacts: Iterable[Artifact]) -> list[dict[str, Any]]:
    """One line per artifact, the oldest first; of a stage all but the newest are superseded."""
    held = list(artifacts)
    newest = {artifact.manifest.stage: artifact for artifact in held}
    return [
        {
            "stage": artifact.manifest.stage,
            "kind": artifact.manifest.kind,
            "fingerprint": artifact.manifest.fingerprint[:12],
            "state": None if newest[artifact.manifest.stage] is artifact else "superseded",
            "result": headline(artifact),
            "seconds": artifact.manifest.run.get("seconds"),
            "peak_mb": artifact.manifest.run.get("peak_memory_mb"),
            "usd": cost(artifact),
        }
        for artifact in held
    ]


def cost(artifact: Artifact) -> float | Literal["unknown"] | None:
    """The money that its making took, unknown where a price was; None where nobody bills."""
    usage: Any = artifact.manifest.run.get("usage") or {}
    if usage.get("unpriced"):
        return "unknown"
    usd = usage.get("usd")
    return None if usd is None else round(usd, 4)


def headline(artifact: Artifact) -> str:
    """The one or two numbers that say most about an artifact."""
    numbers: dict[str, Any] = dict(artifact.numbers)
    match artifact.manifest.kind:
        case "source" | "filter":
            return f"{numbers['rows']} of {counted(numbers['read'], 'row')}"
        case "generate":
            failed = sum(numbers["failed"].values())
            made, seeds = counted(numbers["rows"], "row"), counted(numbers["seeds"], "seed")
            return f"{made} from {seeds}, {failed} failed"
        case "mix":
            return f"{counted(numbers['train'], 'row')} to train on, {numbers['valid']} to validate"
        case "train":
            before = numbers.get("validation_loss_before")
            after = numbers.get("validation_loss_after")
            if before is None or after is None:
                return f"loss {numbers['first_loss']:.3f} to {numbers['last_loss']:.3f}"
            steps = counted(numbers["steps"], "step")
            return f"validation loss {before:.3f} to {after:.3f} in {steps}"
        case "merge":
            return _merged(numbers)
        case "evaluate":
            return f"{counted(len(numbers['scores']), 'score')} of {numbers['model']}"
    return ""


def _merged(numbers: dict[str, Any]) -> str:
    parity = numbers.get("parity")
    onto = f" onto the {numbers['onto']} weights" if "onto" in numbers else ""
    apart = ""
    if parity:
        over = counted(parity["tokens"], "token")
        apart = f", KL to the adapted model {parity['kl']:.3g} over {over}"
    return f"{numbers['parameters'] / 1e6:.0f}M parameters{onto}{apart}"


def latest(store: Store, stage: str) -> Artifact:
    """The newest artifact of a stage; StoreError says what is wrong with it, or where there is one.

    What is broken of other stages is passed by.
    """
    survey = store.survey()
    for folder, why in survey.broken.items():
        if folder.rpartition("-")[0] == stage:
            raise StoreError(why)
    found = [artifact for artifact in survey.artifacts if artifact.manifest.stage == stage]
    if found:
        return found[-1]
    if any(folder.rpartition("-")[0] == stage for folder in survey.unfinished):
        raise StoreError(f"{store.root}: stage {stage!r} is not finished; run its recipe again")
    known = {artifact.manifest.stage for artifact in survey.artifacts}
    raise StoreError(f"{store.root}: holds no stage {stage!r}{nearest(stage, known)}")


def funnel(artifacts: Iterable[Artifact]) -> list[dict[str, Any]]:
    """For each scheme: what was asked for, parsed, eliminated by rule, made, and kept after.

    Of the artifacts of a stage, the oldest first, the last one counts.
    """
    newest = {artifact.manifest.stage: artifact for artifact in artifacts}
    return [
        {"stage": stage, "scheme": _settings(made)["scheme"]["kind"], **step._asdict()}
        for stage, made in newest.items()
        if made.manifest.kind == "generate"
        for step in [*_asked(made), *_kept(made, list(newest.values()))]
    ]


def kept_contaminated(artifacts: Iterable[Artifact]) -> list[str]:
    """A line for each stage that kept, on request, rows that hold items of benchmarks."""
    lines = []
    for artifact in artifacts:
        numbers: Any = artifact.numbers.get("contamination")
        if isinstance(numbers, dict) and numbers["flagged"] == "keep":
            hit = [task for task, counts in numbers["tasks"].items() if counts["rows"]]
            unclean = f"; scores on {', '.join(hit)} are not clean" if hit else ""
            stage = artifact.manifest.stage
            lines.append(
                f"stages.{stage}: {counted(numbers['rows'], 'contaminated row')} kept{unclean}"
            )
    return lines


def rows(artifact: Artifact, which: str, reason: str = "") -> Iterator[dict[str, Any]]:
    """The artifact's rows, rejected rows or failures, as they stand in its file."""
    names = ["rows.jsonl", "train.jsonl", "items.jsonl"] if which == "rows" else [f"{which}.jsonl"]
    for name in names:
        if (artifact.folder / name).exists():
            break
    else:
        raise DataError(f"{artifact.folder}: holds no {which}")
    for _, row in jsonl.read_objects(artifact.folder / name):
        if not reason or reason in _why(row):
            yield row


def reasons(artifact: Artifact, which: str, reason: str = "") -> list[dict[str, Any]]:
    """How many rows were rejected, or failed, for each reason that contains this; most first."""
    counts: Any = artifact.numbers.get(which, {}) if which in ("rejected", "failed") else {}
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"rows": count, which: visible(why)} for why, count in ranked if reason in why]


def readable(row: dict[str, Any]) -> str:
    """A row as text: its id, its turns, its verdict; control characters are made visible."""
    return visible("\n".join(lines_of(row)))


def lines_of(row: dict[str, Any]) -> list[str]:
    """A row's id, its turns and its verdict, as they are."""
    lines = []
    verdict = row.get("verdict")
    if verdict:
        row = row["row"]
        if "rejected_at" in row:
            return _as_found(verdict, row)
    for said in [verdict] if verdict else row.get("verdicts", []):
        lines += _said(said)
    lines.append(f"# {row.get('id', '')}")
    turns = row.get("messages") or row.get("prompt") or []
    if isinstance(turns, list):
        lines += [f"{turn['role']}: {turn['content']}" for turn in turns]
    shown = ("instruction", "context", "target", "chosen", "rejected", "reason", "detail")
    lines += [f"{name}: {row[name]}" for name in shown if row.get(name)]
    if len(lines) == 1:
        lines += [f"{name}: {value}" for name, value in row.items() if name != "id"]
    return lines


def _as_found(verdict: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """What a source rejected: where it stood, and every field under the name it had there."""
    own = {name: value for name, value in row.items() if name not in ("id", "rejected_at")}
    texts = {
        name: value if isinstance(value, str) else to_json(value).decode()
        for name, value in own.items()
    }
    return [
        *_said(verdict),
        f"# {row.get('id', 'no id')}, at {row['rejected_at']}",
        *(f"{name}: {text}" for name, text in texts.items()),
    ]


def _why(row: dict[str, Any]) -> str:
    """The reason as the stage counted it: of a rejected row with its filter."""
    verdict = row.get("verdict")
    return f"{verdict['filter']}: {verdict['reason']}" if verdict else str(row.get("reason", ""))


def _said(verdict: dict[str, Any]) -> list[str]:
    """A verdict that gives a reason, and what explains it."""
    if not verdict.get("reason"):
        return []
    details = verdict.get("details", {})
    return [
        f"[{verdict['filter']}: {verdict['reason']}]",
        *(f"[{name}: {value}]" for name, value in details.items()),
    ]


def visible(text: str) -> str:
    """Text from models and servers must not move the cursor or colour the terminal."""
    if text.isprintable():
        return text
    return "".join(
        repr(c)[1:-1] if category(c) in STEERING and c not in HARMLESS else c for c in text
    )


class _Step(NamedTuple):
    """One line of a funnel: rows that came through, or were lost for a reason."""

    step: str
    by: str
    rows: int


def _asked(made: Artifact) -> Iterator[_Step]:
    numbers: dict[str, Any] = dict(made.numbers)
    failed = numbers["failed"]
    returned = _Step("returned", "", numbers["rows"] + sum(failed.values()))
    if "eliminated" in numbers:
        eliminated = numbers["eliminated"]
        yield _Step("draws", "", numbers["draws"])
        yield _Step("requests", "", numbers["requests"])
        yield returned
        yield from _lost("unusable", {why: n for why, n in failed.items() if why not in eliminated})
        yield _Step("parsed", "", numbers["parsed"])
        yield from _lost("eliminated", eliminated)
    else:  # an older version did not tell the two apart
        yield returned
        yield from _lost("failed", failed)
    yield _Step("made", "", numbers["rows"])


def _kept(made: Artifact, artifacts: list[Artifact]) -> Iterator[_Step]:
    """What was left by each filter of the filter stages after it, the artifacts oldest first."""
    reached = {made.manifest.fingerprint}
    for artifact in artifacts:
        manifest = artifact.manifest
        if manifest.kind == "filter" and reached & set(manifest.inputs.values()):
            reached.add(manifest.fingerprint)
            yield from _filtered(artifact)


def _filtered(artifact: Artifact) -> Iterator[_Step]:
    numbers: dict[str, Any] = dict(artifact.numbers)
    rejected, left = dict(numbers["rejected"]), numbers["read"]
    for part in _settings(artifact)["filters"]:
        kind = part["kind"]
        own = {why: rejected.pop(why) for why in [*rejected] if why.startswith(f"{kind}: ")}
        left -= sum(own.values())
        yield from _lost("rejected", own)
        yield _Step("kept", f"{artifact.manifest.stage}: {kind}", left)


def _lost(step: str, reasons: dict[str, int]) -> list[_Step]:
    ranked = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return [_Step(step, reason, count) for reason, count in ranked]


def _settings(artifact: Artifact) -> dict[str, Any]:
    science: Any = artifact.manifest.science
    try:
        settings: dict[str, Any] = science["settings"]
    except (KeyError, TypeError):
        why = "does not say how it was made; remove it and run again"
        raise StoreError(f"{artifact.folder}: {why}") from None
    return settings
