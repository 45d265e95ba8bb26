"""What stages were expected to take beside what they took."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from openbezoar.estimates.estimate import Estimate
from openbezoar.ranges import Range
from openbezoar.store import Artifact

__all__ = ["FIGURES", "Comparison", "compared", "taken"]

FIGURES = (
    "rows", "requests", "tokens_in", "tokens_out", "usd", "seconds", "memory_mb", "gpu_mb",
    "disk_mb",
)  # fmt: skip
AT_ONCE = ("memory_mb", "gpu_mb")
"""The figures of which all stages together take what one of them takes."""


class Comparison(NamedTuple):
    """One figure of one stage."""

    stage: str
    figure: str
    estimated: Range | None
    """Absent where nobody knew."""
    actual: float | None
    """Absent where nobody measured."""

    @property
    def difference(self) -> float | None:
        """By what share of what it took the likely figure is above it."""
        if self.estimated is None or self.actual is None:
            return None
        if self.actual == 0:
            return 0.0 if self.estimated.likely == 0 else None
        return self.estimated.likely / self.actual - 1

    @property
    def within(self) -> bool | None:
        """Whether it took something between the bounds."""
        if self.estimated is None or self.actual is None:
            return None
        return self.estimated.holds(self.actual)


def compared(estimates: Mapping[str, Estimate], artifacts: Iterable[Artifact]) -> list[Comparison]:
    """Every figure of every artifact that was estimated when it was begun, and all in all."""
    pairs = [
        (estimates[artifact.manifest.fingerprint], taken(artifact), artifact.manifest.stage)
        for artifact in artifacts
        if artifact.manifest.fingerprint in estimates
    ]
    found = [
        Comparison(stage, figure, getattr(estimate, figure), took[figure])
        for estimate, took, stage in pairs
        for figure in FIGURES
        if figure in took
    ]
    return found + [_in_all(figure, found) for figure in FIGURES[1:] if found]


def taken(artifact: Artifact) -> dict[str, float | None]:
    """What a stage took, by the names of an estimate's figures."""
    run: dict[str, Any] = dict(artifact.manifest.run)
    usage: dict[str, Any] | None = run.get("usage")
    counted = {name: _counted(usage, name) for name in FIGURES[1:4]}
    rows = _rows(artifact)
    return {
        **({} if rows is None else {"rows": rows}),
        **counted,
        "usd": usage.get("usd") if usage and not usage.get("unpriced") else None,
        "seconds": run.get("seconds"),
        "memory_mb": run.get("peak_memory_mb"),
        "gpu_mb": (run.get("measured") or {}).get("peak_gpu_memory_mb"),
        "disk_mb": run.get("disk_mb"),
    }


def _counted(usage: Mapping[str, float] | None, name: str) -> float | None:
    """Requests or tokens; unknown where a server did not count tokens."""
    if usage is None or (usage.get("uncounted") and name != "requests"):
        return None
    return usage.get(name, 0)


def _rows(artifact: Artifact) -> float | None:
    numbers: dict[str, Any] = dict(artifact.numbers)
    match artifact.manifest.kind:
        case "mix":
            return float(numbers["train"] + numbers["valid"])
        case "train":
            science: Any = artifact.manifest.science
            return float(numbers["rows"] * science["settings"]["optimisation"]["epochs"])
        case "source" | "filter" | "generate":
            return float(numbers["rows"])
    return None


def _in_all(figure: str, found: Iterable[Comparison]) -> Comparison:
    """The sum over the stages where both are known, which it counts; of memory the most."""
    lines = [line for line in found if line.figure == figure]
    pairs = [
        (line.estimated, line.actual)
        for line in lines
        if line.estimated is not None and line.actual is not None
    ]
    if not pairs:
        return Comparison("total", figure, None, None)
    name = "total" if len(pairs) == len(lines) else f"total of {len(pairs)} of {len(lines)} stages"
    put = max if figure in AT_ONCE else sum
    together = Range(
        low=put(one.low for one, _ in pairs),
        likely=put(one.likely for one, _ in pairs),
        high=put(one.high for one, _ in pairs),
    )
    return Comparison(name, figure, together, float(put(actual for _, actual in pairs)))
