"""The pieces that the numbers of a stage are made of, as a report reads them."""

from pydantic import BaseModel, ConfigDict, JsonValue

__all__ = [
    "BenchmarkNumbers",
    "Bounds",
    "CalibrationNumbers",
    "ContaminationNumbers",
    "FigureNumbers",
    "JudgeNumbers",
    "LedgerNumbers",
    "Loss",
    "Parity",
    "PassNumbers",
    "Read",
]


class Read(BaseModel):
    """A part of a manifest that may hold more than is read here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Bounds = tuple[float, float] | None


class PassNumbers(Read):
    """How many rows one filter of a stage was given and kept."""

    filter: str
    read: int
    kept: int


class FigureNumbers(Read):
    """A measured share or coefficient with its 95 % interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    missing: int = 0


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


class Parity(Read):
    """How far the merged model is from the adapted one."""

    kl: float
    agreement: float
    tokens: int
    nll_change: float | None = None
