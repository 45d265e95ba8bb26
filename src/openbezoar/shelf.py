"""Reads what a store holds, for people: an overview, one stage's latest artifact, its rows."""

from collections.abc import Iterator
from typing import Any

from openbezoar import jsonl
from openbezoar.component import nearest
from openbezoar.errors import DataError, StoreError
from openbezoar.store import Artifact, Store

__all__ = ["latest", "overview", "readable", "rows", "visible"]


def overview(store: Store) -> list[dict[str, Any]]:
    """One line per artifact, oldest first."""
    return [
        {
            "stage": artifact.manifest.stage,
            "kind": artifact.manifest.kind,
            "fingerprint": artifact.manifest.fingerprint[:12],
            "result": headline(artifact),
            "seconds": artifact.manifest.run.get("seconds"),
            "peak_mb": artifact.manifest.run.get("peak_memory_mb"),
        }
        for artifact in store.artifacts()
    ]


def headline(artifact: Artifact) -> str:
    """The one or two numbers that say most about an artifact."""
    numbers: dict[str, Any] = dict(artifact.numbers)
    match artifact.manifest.kind:
        case "source" | "filter":
            return f"{numbers['rows']} of {numbers['read']} rows"
        case "generate":
            failed = sum(numbers["failed"].values())
            return f"{numbers['rows']} rows from {numbers['seeds']} seeds, {failed} failed"
        case "mix":
            return f"{numbers['train']} rows to train on, {numbers['valid']} to validate"
        case "train":
            before = numbers.get("validation_loss_before")
            after = numbers.get("validation_loss_after")
            if before is None or after is None:
                return f"loss {numbers['first_loss']:.3f} to {numbers['last_loss']:.3f}"
            return f"validation loss {before:.3f} to {after:.3f} in {numbers['steps']} steps"
        case "merge":
            parity = numbers.get("parity")
            apart = f", KL to the adapted model {parity['kl']:.4f}" if parity else ""
            return f"{numbers['parameters'] / 1e6:.0f}M parameters{apart}"
        case "evaluate":
            return f"{len(numbers['scores'])} scores of {numbers['model']}"
    return ""


def latest(store: Store, stage: str) -> Artifact:
    """The newest artifact of a stage; StoreError names the nearest one there is."""
    artifacts = store.artifacts()
    found = [artifact for artifact in artifacts if artifact.manifest.stage == stage]
    if not found:
        known = {artifact.manifest.stage for artifact in artifacts}
        raise StoreError(f"{store.root}: holds no stage {stage!r}{nearest(stage, known)}")
    return found[-1]


def rows(artifact: Artifact, which: str, reason: str = "") -> Iterator[dict[str, Any]]:
    """The artifact's rows, rejected rows or failures, as they stand in its file."""
    names = ["rows.jsonl", "train.jsonl", "items.jsonl"] if which == "rows" else [f"{which}.jsonl"]
    for name in names:
        if (artifact.folder / name).exists():
            break
    else:
        raise DataError(f"{artifact.folder}: holds no {which}")
    for _, row in jsonl.read_objects(artifact.folder / name):
        why = str(row.get("verdict", row).get("reason", ""))
        if not reason or reason in why:
            yield row


def readable(row: dict[str, Any]) -> str:
    """A row as text: its id, its turns, its verdict; control characters are made visible."""
    lines = []
    verdict = row.get("verdict")
    if verdict:
        lines.append(f"[{verdict['filter']}: {verdict['reason']}]")
        row = row["row"]
    lines.append(f"# {row.get('id', '')}")
    turns = row.get("messages") or row.get("prompt") or []
    if isinstance(turns, list):
        lines += [f"{turn['role']}: {turn['content']}" for turn in turns]
    shown = ("instruction", "context", "target", "chosen", "rejected", "reason", "detail")
    lines += [f"{name}: {row[name]}" for name in shown if row.get(name)]
    if len(lines) == 1:
        lines += [f"{name}: {value}" for name, value in row.items() if name != "id"]
    return visible("\n".join(lines))


def visible(text: str) -> str:
    """Text from models and servers must not move the cursor or colour the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
