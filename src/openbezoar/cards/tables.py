"""The tables of a card: origins, funnel, training, merging, scores, costs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from openbezoar.cards.markdown import Markdown, amount, code, plain, table
from openbezoar.cards.subject import Subject
from openbezoar.plurals import counted
from openbezoar.records import Score
from openbezoar.report.contents import Made
from openbezoar.report.numbers import MergeNumbers, TrainNumbers

__all__ = [
    "MOST_MISSING",
    "costs",
    "funnel",
    "merging",
    "not_learned",
    "origins",
    "parts",
    "scores",
    "share_missing",
    "training",
]

MOST_MISSING = 0.05
"""A larger share of missing rows is marked, and named among the limits."""
TOKENS = ("tokens_in", "tokens_out")
GIVEN = "train: "
"""How the reasons begin for which rows to train on, not to validate, were left out."""


def parts(subject: Subject) -> Markdown:
    """How many rows each stage put into a data set."""
    numbers: Any = subject.made.artifact.numbers
    if subject.made.kind != "mix":
        return table(["stage", "rows"], [[code(subject.made.name), amount(numbers["rows"])]])
    counts, names = numbers.get("by_origin"), subject.setting(subject.made, "rows") or ()
    rows = [
        [code(name), *(_part(counts, f"{name}.{part}") for part in ("train", "valid"))]
        for name in names
    ]
    total = [plain("all"), amount(numbers["train"]), amount(numbers["valid"])]
    return table(["rows of stage", "train", "valid"], [*rows, total])


def origins(subject: Subject) -> Markdown:
    """All that it was made from, with licences."""
    return table(
        ["role", "name in the recipe", "what", "licence", "stated by", "rows"],
        [
            [
                one.role, code(one.name), one.what, one.licence or _terms(one.provider),
                one.stated_by or "nobody", amount(one.rows),
            ]
            for one in subject.verdict.origins
        ],
    )  # fmt: skip


def not_learned(subject: Subject) -> list[str]:
    """For each train stage the rows it was given and could not learn from, and why."""
    lines = []
    for made in subject.of_kind("train"):
        if isinstance(made.numbers, TrainNumbers):
            left_out = made.numbers.left_out.items()
            lost = {why[len(GIVEN) :]: n for why, n in left_out if why.startswith(GIVEN)}
            if lost:
                given = made.numbers.rows + sum(lost.values())
                told = f"of {counted(given, 'row')} learned from {made.numbers.rows:,}"
                lines.append(f"{made.name}: {told}; left out: {_why(lost)}")
    return lines


def funnel(subject: Subject) -> list[Markdown]:
    """A table for each line of rows: given, kept, lost and why."""
    return [
        table(
            ["stage", "kind", "given", "kept", "lost, and why"],
            [
                [code(step.name), step.kind, amount(step.given), amount(step.kept), _why(step.lost)]
                for step in chain
            ],
        )
        for chain in subject.funnel
    ]


def training(subject: Subject) -> Markdown:
    """The settings and losses of every train stage, in order."""
    heading = ["stage", "objective", "data", "starts from", "rows", "steps", "tokens",
               "learning rate", "rows a step", "epochs", "LoRA r / alpha", "weights",
               "validation loss"]  # fmt: skip
    return table(heading, [[*_course(subject, made)] for made in subject.of_kind("train")])


def merging(subject: Subject) -> list[str]:
    """What a merge kept, and how far the model is from the one that was trained."""
    lines = []
    for made in subject.of_kind("merge"):
        if isinstance(made.numbers, MergeNumbers):
            onto = f" onto the {made.numbers.onto} weights" if made.numbers.onto else ""
            why = f" ({made.numbers.why})" if made.numbers.why else ""
            found = made.numbers.parity
            apart = (
                f"; KL from the trained model {found.kl:.4g} nats a token, the same next token in "
                f"{found.agreement:.1%} of {found.tokens:,}"
                if found
                else ""
            )
            lines.append(f"{made.name}: merged{onto}{why}{apart}")
    return lines


def scores(subject: Subject) -> list[tuple[str, Markdown]]:
    """For each stage that measured the model, its scores."""
    heading = ["score", "value", "95 % interval", "n", "missing", "better", "note"]
    return [
        (made.name, table(heading, [_score(score) for score in numbers.scores]))
        for made, numbers in subject.evaluations
    ]


def costs(subject: Subject) -> Markdown:
    """Seconds, memory and what was asked of models, by stage."""
    return table(
        ["stage", "seconds", "peak memory, MB", "requests", "from the cache", "tokens in",
         "tokens out", "US dollars"],
        [*map(_cost, subject.line), _total(subject)],
    )  # fmt: skip


def share_missing(score: Score) -> float:
    """The share of rows that gave a score nothing."""
    return score.missing / max(score.n + score.missing, 1)


def _course(subject: Subject, made: Made) -> Iterator[object]:
    numbers = made.numbers
    assert isinstance(numbers, TrainNumbers)  # noqa: S101 - the caller picks train stages
    settings = {
        name: subject.setting(made, *name.split("."))
        for name in ("objective.kind", "data", "start", "optimisation.learning_rate",
                     "optimisation.batch_rows", "optimisation.epochs", "lora.r", "lora.alpha",
                     "precision")
    }  # fmt: skip
    yield from (code(made.name), _told(settings["objective.kind"]))
    yield from (_told(settings[name], code) for name in ("data", "start"))
    yield from (amount(numbers.rows), amount(numbers.steps), amount(numbers.tokens))
    yield amount(settings["optimisation.learning_rate"])
    yield from (amount(settings[f"optimisation.{name}"]) for name in ("batch_rows", "epochs"))
    yield Markdown(f"{_told(settings['lora.r'])} / {_told(settings['lora.alpha'])}")
    yield from (_told(settings["precision"]), _losses(made))


def _losses(made: Made) -> str:
    """How the validation loss moved, as far as it was measured."""
    numbers = made.numbers
    assert isinstance(numbers, TrainNumbers)  # noqa: S101 - asked of train stages only
    if numbers.validation_loss_before is None or numbers.validation_loss_after is None:
        return "not measured"
    return f"{numbers.validation_loss_before:.4g} → {numbers.validation_loss_after:.4g}"


def _score(score: Score) -> list[object]:
    missing = f"{score.missing:,} ({share_missing(score):.0%})" if score.missing else "0"
    if share_missing(score) > MOST_MISSING:
        missing = Markdown(f"**{missing}**")
    interval = (
        f"{score.low:.4g} to {score.high:.4g}"
        if score.low is not None and score.high is not None
        else "none"
    )
    better = {True: "higher", False: "lower", None: "neither"}[score.higher_is_better]
    note = "; ".join(filter(None, (*score.flags, score.note)))
    return [code(score.name), _value(score), interval, amount(score.n), missing, better, note]


def _value(score: Score) -> Markdown:
    """A value; what is no measure of quality is never invalid, only not measured."""
    if score.value is not None:
        return amount(score.value)
    return Markdown("not measured" if score.higher_is_better is None else "**invalid**")


def _cost(made: Made) -> list[object]:
    usage: Mapping[str, int | float] = made.run.usage
    counted = [_whole(usage.get(name)) for name in ("requests", "cached")]
    counted += [_tokens(usage.get(name), bool(usage.get("uncounted"))) for name in TOKENS]
    money = "unknown" if usage.get("unpriced") else amount(usage.get("usd"))
    seconds, peak = made.run.seconds, made.run.peak_memory_mb
    return [code(made.name), amount(seconds), amount(peak), *counted, money]


def _total(subject: Subject) -> list[object]:
    """Sums over all stages; time, memory and money are unknown where those of a stage are."""
    usages = [made.run.usage for made in subject.line]
    counted = [_whole(_sum(usage.get(name) for usage in usages)) for name in ("requests", "cached")]
    uncounted = any(usage.get("uncounted") for usage in usages)
    counted += [_tokens(_sum(usage.get(name) for usage in usages), uncounted) for name in TOKENS]
    unknown = any(usage.get("unpriced") for usage in usages)
    money = "unknown" if unknown else amount(_sum(usage.get("usd") for usage in usages))
    seconds = [made.run.seconds for made in subject.line if made.run.seconds is not None]
    peaks = [made.run.peak_memory_mb for made in subject.line if made.run.peak_memory_mb]
    stages = len(subject.line)
    return [
        "all",
        amount(sum(seconds) if len(seconds) == stages else None),
        amount(max(peaks) if len(peaks) == stages else None),
        *counted,
        money,
    ]


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum of what was counted; None where nothing was."""
    counted = [value for value in values if value is not None]
    return sum(counted) if counted else None


def _part(counts: Mapping[str, int] | None, name: str) -> Markdown:
    """How many rows a stage put into a part; a manifest that counts them leaves out none."""
    return amount(None if counts is None else counts.get(name, 0))


def _told(value: object, shown: Callable[[object], Markdown] = plain) -> Markdown:
    """A setting; a dash where the manifest holds none."""
    return amount(None) if value is None else shown(value)


def _whole(value: float | None) -> Markdown:
    return amount(None if value is None else int(value))


def _tokens(value: float | None, is_more: bool) -> Markdown:
    """Tokens read or written; where a server did not count some, that is said."""
    if not is_more:
        return _whole(value)
    return plain(f"{int(value):,} or more" if value else "unknown")


def _why(lost: Mapping[str, int]) -> str:
    return "; ".join(f"{count:,} {reason}" for reason, count in lost.items()) or "none"


def _terms(provider: str) -> str:
    return f"terms of {provider}" if provider else "unknown"
