"""The numbers of every kind of stage as a report reads them; what it does not know it passes by."""

from pydantic import JsonValue

from openbezoar.records import Score
from openbezoar.report.pieces import (
    CalibrationNumbers,
    ContaminationNumbers,
    JudgeNumbers,
    LedgerNumbers,
    Parity,
    PassNumbers,
    Read,
)

__all__ = [
    "EvaluateNumbers",
    "FilterNumbers",
    "GenerateNumbers",
    "MergeNumbers",
    "MixNumbers",
    "Numbers",
    "Run",
    "SourceNumbers",
    "TrainNumbers",
    "read",
]


class Numbers(Read):
    """What any stage may count."""

    licences: tuple[str, ...] = ()


class SourceNumbers(Numbers):
    """Rows read from outside."""

    read: int
    rows: int
    rejected: dict[str, int]


class GenerateNumbers(Numbers):
    """Rows made by a teacher."""

    seeds: int
    rows: int
    failed: dict[str, int]
    scheme: str = ""
    draws: int | None = None
    requests: int | None = None
    eliminated: dict[str, int] = {}
    """Of the failed, those that a rule of the scheme took out."""


class FilterNumbers(Numbers):
    """Rows kept and rejected."""

    read: int
    rows: int
    rejected: dict[str, int]
    filters: tuple[PassNumbers, ...] = ()
    """In order; none in an artifact of an older version."""
    judges: tuple[JudgeNumbers, ...] = ()
    calibration: CalibrationNumbers | None = None
    contamination: ContaminationNumbers | None = None
    warnings: tuple[str, ...] = ()


class MixNumbers(Numbers):
    """A data set."""

    train: int
    valid: int
    by_origin: dict[str, int] = {}


class TrainNumbers(Numbers):
    """A course of training."""

    rows: int
    steps: int
    tokens: int
    first_loss: float
    last_loss: float
    validation_rows: int = 0
    left_out: dict[str, int] = {}
    validation_loss_before: float | None = None
    validation_loss_after: float | None = None
    validation_accuracy_after: float | None = None
    kept_step: int | None = None
    alarms: tuple[str, ...] = ()
    ledger: LedgerNumbers | None = None

    @property
    def got_worse(self) -> bool:
        """Whether the validation loss is known and did not fall."""
        before, after = self.validation_loss_before, self.validation_loss_after
        return before is not None and after is not None and after >= before


class MergeNumbers(Numbers):
    """A checkpoint."""

    parameters: int
    parity: Parity | None = None
    onto: str = ""
    why: str = ""
    rules: dict[str, Parity] = {}

    @property
    def parities(self) -> list[tuple[str, Parity]]:
        """What either rule gave, the kept one first; one without a name in an older artifact."""
        if not self.rules:
            return [(self.onto, self.parity)] if self.parity else []
        return sorted(self.rules.items(), key=lambda rule: rule[0] != self.onto)


class EvaluateNumbers(Numbers):
    """Scores of one model."""

    model: str
    scores: tuple[Score, ...]


class Run(Read):
    """When, where and how fast an artifact was made."""

    recipe: str = ""
    started: str = ""
    finished: str = ""
    seconds: float | None = None
    peak_memory_mb: float | None = None
    usage: dict[str, int | float] = {}
    versions: dict[str, str | None] = {}
    commit: str | None = None
    machine: str = ""


KINDS: dict[str, type[Numbers]] = {
    "source": SourceNumbers,
    "generate": GenerateNumbers,
    "filter": FilterNumbers,
    "mix": MixNumbers,
    "train": TrainNumbers,
    "merge": MergeNumbers,
    "evaluate": EvaluateNumbers,
}


def read(kind: str, numbers: dict[str, JsonValue]) -> Numbers:
    """The numbers of a stage of this kind; pydantic.ValidationError when they are not such."""
    return KINDS.get(kind, Numbers).model_validate(numbers)
