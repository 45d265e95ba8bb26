"""The rating that a person's labels made the threshold of a judge, as a file beside the recipe."""

import datetime
from pathlib import Path
from typing import Self

import yaml
from pydantic import JsonValue, ValidationError

from openbezoar.component import digest, science
from openbezoar.errors import ConfigError
from openbezoar.families import Judge, ModelSpec
from openbezoar.jsonl import first_problem
from openbezoar.records import Record
from openbezoar.statistics import Estimate

__all__ = ["Calibration", "Figure", "JudgeMark", "LabelsMark", "read", "write"]

HEAD = """\
# Written by `bezoar calibrate`: a row is kept when the judge rates it at `threshold` or above.
# It holds for this very judge; when judge, prompt or model change, calibrate again.
"""


class Figure(Record):
    """A measured share or coefficient; absent where nothing could be measured."""

    value: float | None
    low: float | None
    high: float | None
    """The bounds of the 95 % interval."""
    n: int

    @classmethod
    def of(cls, estimate: Estimate) -> Self:
        """The estimate to four digits, as people read it."""
        value, low, high = (
            None if bound is None else round(bound, 4)
            for bound in (estimate.value, estimate.low, estimate.high)
        )
        return cls(value=value, low=low, high=high, n=estimate.n)


class JudgeMark(Record):
    """Which judge was measured."""

    kind: str
    model: str
    fingerprint: str
    """Its settings, its model's and its prompts', as one digest."""

    @classmethod
    def of(cls, judge: Judge, spec: ModelSpec) -> Self:
        """The mark of a judge; what its model is called in the recipe plays no part."""
        settings = judge.model_copy(update={"model": ""})
        parts: list[JsonValue] = [
            science(settings), judge.evidence(), science(spec), spec.evidence()
        ]  # fmt: skip
        kind = str(type(judge).model_fields["kind"].default)
        return cls(kind=kind, model=spec.label, fingerprint=digest(parts))


class LabelsMark(Record):
    """Which labels it was measured on."""

    file: str
    sha256: str
    accepted: int
    rejected: int


class Calibration(Record):
    """A threshold and the figures that speak for it."""

    threshold: float
    wanted_precision: float
    precision: Figure
    recall: Figure
    agreement: Figure
    """How often the judge's own verdict was the person's."""
    kappa: Figure
    unreadable: int
    """Labelled rows that the judge gave no readable grade; they are in no figure."""
    date: datetime.date
    judge: JudgeMark
    labels: LabelsMark

    def check(self, judge: Judge, spec: ModelSpec, path: str) -> None:
        """Raise ConfigError when it is of another judge than this one."""
        now = JudgeMark.of(judge, spec)
        if now.fingerprint != self.judge.fingerprint:
            raise ConfigError(
                f"calibration {path} is stale: measured on {self.date} for {_named(self.judge)}, "
                f"the judge is now {_named(now)}; run `bezoar calibrate` for this stage again, "
                "or remove the line `calibration`"
            )


def read(path: Path, named: str) -> Calibration:
    """The calibration in a file; ConfigError, with the name that the recipe gives it."""
    try:
        return Calibration.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(
            f"calibration {named}: no such file; make it with `bezoar calibrate`, "
            "or remove the line `calibration`"
        ) from None
    except ValidationError as error:
        problem = first_problem(error)
    except (OSError, ValueError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
    raise ConfigError(
        f"calibration {named}: cannot be used ({problem}); make it anew with `bezoar calibrate`, "
        "or remove the line `calibration`"
    )


def write(path: Path, calibration: Calibration) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(calibration.model_dump(), sort_keys=False, allow_unicode=True)
    unfinished = path.with_name(path.name + ".partial")
    unfinished.write_text(HEAD + text, encoding="utf-8")
    unfinished.replace(path)


def _named(mark: JudgeMark) -> str:
    return f"{mark.kind} on {mark.model} ({mark.fingerprint[:8]})"
