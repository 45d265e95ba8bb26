"""The numbers of every kind of stage as a report reads them; what it does not know it passes by."""

from pydantic import BaseModel, ConfigDict, JsonValue

from openbezoar.records import Score

__all__ = [
    "BenchmarkNumbers",
    "CalibrationNumbers",
    "ContaminationNumbers",
    "EvaluateNumbers",
    "FigureNumbers",
    "FilterNumbers",
    "GenerateNumbers",
    "JudgeNumbers",
    "LedgerNumbers",
    "MergeNumbers",
    "MixNumbers",
    "Numbers",
    "PassNumbers",
    "Run",
    "SourceNumbers",
    "TrainNumbers",
    "read",
]


class Read(BaseModel):
    """A part of a manifest that may hold more than is read here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


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


Bounds = tuple[float, float] | None


class JudgeNumbers(Read):
    """A judge, and how well it told good answers from bad ones, by kind; empty when untried."""

    judge: str = ""
    model: str = ""
    label: str = ""
    mark: str = ""
    """The digest that tells this very judge from any other."""
    least_auc: float | None = None
    auc: dict[str, float | None] = {}
    auc_interval: dict[str, Bounds] = {}
    auc_pooled: float | None = None
    auc_pooled_interval: Bounds = None
    accepted: dict[str, float | None] = {}
    accepted_interval: dict[str, Bounds] = {}
    n: dict[str, int] = {}
    unreadable: dict[str, int] = {}


class FigureNumbers(Read):
    """A measured share or coefficient with its 95 % interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    missing: int = 0


class MeasuredJudge(Read):
    """The judge that a calibration is of."""

    kind: str = ""
    model: str = ""
    fingerprint: str = ""


class Labels(Read):
    """The labels that a calibration rests on."""

    file: str = ""
    accepted: int = 0
    rejected: int = 0


class CalibrationNumbers(Read):
    """The rating that a stage kept rows from, and what a person's labels say for it."""

    threshold: float
    wanted_precision: float | None = None
    precision: FigureNumbers = FigureNumbers()
    recall: FigureNumbers = FigureNumbers()
    agreement: FigureNumbers = FigureNumbers()
    kappa: FigureNumbers = FigureNumbers()
    unreadable: int = 0
    date: str = ""
    judge: MeasuredJudge = MeasuredJudge()
    labels: Labels = Labels()


class BenchmarkNumbers(Read):
    """How far rows held the items of one benchmark."""

    items: int
    unsearchable: int = 0
    found: int
    rows: int


class ContaminationNumbers(Read):
    """What a search for the items of benchmarks found, and whether it was dropped or kept."""

    flagged: str
    rows: int
    tasks: dict[str, BenchmarkNumbers]
    hits: tuple[dict[str, JsonValue], ...] = ()


class PassNumbers(Read):
    """How many rows one filter of a stage was given and kept."""

    filter: str
    read: int
    kept: int


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


class Loss(Read):
    """The loss on one lesson's validation rows, and how it moved since that lesson."""

    loss: float | None
    low: float | None = None
    high: float | None = None
    rows: int
    since: str = ""
    change: float | None = None


class LedgerNumbers(Read):
    """What a train stage left behind."""

    losses: dict[str, Loss] = {}
    figures: dict[str, FigureNumbers] = {}
    """Of the answers; none in an artifact of an older version."""


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
    ledger: LedgerNumbers | None = None

    @property
    def got_worse(self) -> bool:
        """Whether the validation loss is known and did not fall."""
        before, after = self.validation_loss_before, self.validation_loss_after
        return before is not None and after is not None and after >= before


class Parity(Read):
    """How far the merged model is from the adapted one."""

    kl: float
    agreement: float
    tokens: int
    nll_change: float | None = None


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
