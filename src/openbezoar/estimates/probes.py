"""What a probe left beside the store: a few rows of each stage, and the machine's rate."""

import importlib.util
import json
from collections.abc import Sequence

from openbezoar.estimates.evidence import Evidence, Known
from openbezoar.estimates.flops import matmul_rate
from openbezoar.estimates.memory import has_gpu
from openbezoar.plan import Step
from openbezoar.store import Store

__all__ = ["PROBED", "measure_rate", "probe_store", "seen_in_probes"]

PROBED = ("source", "generate", "filter")
"""The kinds of stage that a probe makes some rows of."""
FOLDER, RATE = "probes", "rate.json"


def probe_store(store: Store, most: int) -> Store:
    """Where the artifacts of a probe of so many rows lie."""
    return Store(store.root / FOLDER / str(most))


def seen_in_probes(store: Store, steps: Sequence[Step]) -> Known:
    """What probes of these very stages found; the one of most rows counts."""
    folder = store.root / FOLDER
    sizes = sorted(int(path.name) for path in folder.glob("*") if path.name.isdecimal())
    evidence = {
        step.name: Evidence(artifact, "probe")
        for most in sizes
        for step in steps
        if (artifact := probe_store(store, most).find(step.name, step.fingerprint))
    }
    return Known(evidence, _rate(store))


def measure_rate(store: Store, steps: Sequence[Step]) -> None:
    """Measure how fast the device multiplies, where stages need to know and it is not known."""
    heavy = any(step.stage.kind in ("train", "evaluate") for step in steps if step.state != "made")
    if not heavy or _rate(store) or importlib.util.find_spec("torch") is None:
        return
    from openbezoar.training.adapters import device_for

    device = device_for("auto")
    content = {"device": device, "flops": matmul_rate(device)}
    path = store.root / FOLDER / RATE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


def _rate(store: Store) -> float | None:
    """The rate of the device that stages run on now; one of another device tells nothing."""
    path = store.root / FOLDER / RATE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rate = float(content["flops"])
        is_ours = content["device"] == ("cuda" if has_gpu() else "cpu")
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return rate if is_ours and 0 < rate < float("inf") else None
