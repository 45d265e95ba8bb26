"""The estimates that runs began with, kept in the store to be compared with what they took."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from openbezoar.errors import StoreError
from openbezoar.estimates.estimate import Estimate
from openbezoar.store import Store

__all__ = ["FILE", "keep", "kept"]

FILE = "estimates.json"
FORMAT = 1


def keep(store: Store, estimates: Sequence[Estimate], begun: Sequence[str] = ()) -> None:
    """Keep the estimates of stages that are to be made; needs the lock.

    Of a stage that had `begun` (by fingerprint) the first estimate stays: it was made when nothing
    was known of the outcome.
    """
    found = kept(store)
    new = {one.fingerprint: one for one in estimates if one.basis != "made"}
    new = {print_: one for print_, one in new.items() if not (print_ in begun and print_ in found)}
    if not new:
        return
    content = {
        "format": FORMAT,
        "estimates": [one.model_dump(mode="json") for one in (found | new).values()],
    }
    path = store.root / FILE
    half = path.with_name(f"{FILE}.part")
    half.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    half.replace(path)


def kept(store: Store) -> dict[str, Estimate]:
    """The estimates by fingerprint; none where no run has kept any. StoreError when broken."""
    path = store.root / FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        newer = isinstance(content, dict) and content.get("format", FORMAT) > FORMAT
        if newer:
            raise StoreError(f"{path}: written by a newer version; upgrade openbezoar to read it")
        found = [Estimate.model_validate(one) for one in content["estimates"]]
    except (ValidationError, ValueError, TypeError, KeyError, OSError):
        raise StoreError(_broken(path)) from None
    return {one.fingerprint: one for one in found}


def _broken(path: Path) -> str:
    return f"{path}: is not a list of estimates; remove it, the next run writes it anew"
