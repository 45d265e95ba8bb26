"""The merge stage: an adapter becomes part of its base, as a checkpoint anyone can load."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from openbezoar.component import Runtime
from openbezoar.families import Bench, Numbers, Stage, expect
from openbezoar.stages.candidates import Trained, better, compared, figures, write
from openbezoar.stages.lessons import Lesson, lesson_of, sequences
from openbezoar.stages.start import MERGED, Start, find_start

if TYPE_CHECKING:
    from openbezoar.training.adapters import Precision
    from openbezoar.training.merging import Rule
    from openbezoar.training.parity import Parity

__all__ = ["MergeRuntime", "MergeStage"]

MEBIBYTE = 1 << 20


class MergeRuntime(Runtime):
    """Where the models are compared; never what comes out, beyond rounding."""

    device: str = "auto"


class MergeStage(Stage):
    """Adds an adapter to its base and writes bfloat16 safetensors, never 4-bit weights.

    An adapter trained on weights rounded to NF4 can be added to the base's original weights, as the
    paper's authors did, or to what the rounding left of them, which is what it was trained on. The
    manifest says how far either model is from the one that was trained, and which was kept.
    """

    kind: Literal["merge"] = "merge"
    version: ClassVar[int] = 2
    adapter: str
    """The train stage whose adapter is merged."""
    onto: Literal["original", "dequantised", "better"] = "better"
    """The weights that the adapter is added to. better: those whose model has the lower KL
    divergence from the trained one, the original weights when both are equal."""
    parity_rows: NonNegativeInt = 8
    """Validation rows (of a data set without them: training rows) on which merged and trained model
    are compared; 0 compares nothing, and then `onto` must say what to merge onto."""
    nll_bound: PositiveFloat = 0.05
    """By how much merging may change the mean negative log-likelihood of an answer token, in nats;
    beyond it the run says so, and so does the manifest."""
    shard_mb: PositiveInt = 4096
    """The most MiB of weights in one file."""
    runtime: MergeRuntime = MergeRuntime()

    @model_validator(mode="after")
    def _can_choose(self) -> "MergeStage":
        if self.onto == "better" and self.parity_rows == 0:
            raise ValueError(
                "parity_rows: 0 leaves nothing to tell the better by; write onto: original or "
                "onto: dequantised"
            )
        return self

    def reads(self) -> tuple[str, ...]:
        """The adapter."""
        return (self.adapter,)

    def makes(self, kinds: Mapping[str, str]) -> str:
        """A model."""
        expect(self.adapter, kinds, "adapter")
        return "model"

    def make(self, bench: Bench) -> Numbers:
        """Write `model/`."""
        return self.merge(bench, find_start(self.adapter, bench), bench.folder / MERGED)

    def merge(self, bench: Bench, start: Start, out: Path) -> Numbers:
        """Write the merged checkpoint into `out`; no two models are in memory together."""
        lesson = lesson_of(bench.inputs[self.adapter], bench)
        trained, part = self._trained(start, lesson)
        candidates = bench.scratch / "merged"
        shutil.rmtree(candidates, ignore_errors=True)
        rules = self._rules(lesson.precision)
        numbers, reference = write(trained, candidates, rules, self.shard_mb * MEBIBYTE)
        found: dict[Rule, Parity] = {}
        if trained.sequences:
            found = {
                rule: compared(candidates / rule, "bfloat16", trained, reference) for rule in rules
            }
        onto, why = self._choice(lesson.precision, found)
        (candidates / onto).rename(out)
        shutil.rmtree(candidates)
        numbers |= {"format": trained.format.fingerprint, "onto": onto, "why": why}
        if found:
            again = None
            if lesson.precision == "nf4":
                again = compared(out, "nf4", trained, reference)
            numbers |= _parities(found, onto, again)
            numbers["compared_on"] = f"{len(trained.sequences)} {part} rows of {lesson.data}"
            numbers["boundary"] = self._boundary(found[onto], again, bench)
        return numbers

    def _trained(self, start: Start, lesson: Lesson) -> tuple[Trained, str]:
        """The model that was trained, and of which part the rows are that it is compared on."""
        from openbezoar.training.adapters import device_for
        from openbezoar.training.checks import format_faults, refuse
        from openbezoar.training.format import Format

        assert start.adapter is not None  # noqa: S101 - `makes` only lets a train stage in
        format_ = Format.load(start.adapter)
        refuse([*format_faults(format_, start.format, str(start.adapter))])
        limits = (self.parity_rows, lesson.max_tokens)
        part, rows = "validation", sequences(lesson.rows, "valid", format_, limits)
        if not rows:
            part, rows = "training", sequences(lesson.rows, "train", format_, limits)
        device = device_for(self.runtime.device)
        return Trained(start, lesson.precision, device, format_, rows), part

    def _rules(self, precision: "Precision") -> "tuple[Rule, ...]":
        if precision != "nf4":
            return ("original",)
        if self.onto == "better" or self.parity_rows:
            return ("original", "dequantised")
        return (self.onto,)

    def _choice(self, precision: "Precision", found: "Mapping[Rule, Parity]") -> "tuple[Rule, str]":
        """What is kept, and why."""
        if precision != "nf4":
            return "original", f"trained on {precision} weights, so that both rules give one model"
        if self.onto != "better":
            return self.onto, f"onto: {self.onto}"
        onto = better(found)
        other = next(rule for rule in found if rule != onto)
        return onto, (
            f"nearer to the model as trained: KL {found[onto].divergence:.4g} nats a token, "
            f"onto the {other} weights {found[other].divergence:.4g}"
        )

    def _boundary(self, kept: "Parity", again: "Parity | None", bench: Bench) -> Numbers:
        """What an answer token costs on either side of the merge."""
        numbers: Numbers = {"nll_before": kept.reference_nll, "nll_after": kept.nll}
        if again is not None:
            numbers["nll_requantised"] = again.nll
        change = kept.nll - kept.reference_nll
        within = abs(change) <= self.nll_bound
        if not within:
            bench.say(
                f"warning: merging changed the negative log-likelihood of an answer token by "
                f"{change:+.3f} nats, beyond nll_bound {self.nll_bound}"
            )
        return {**numbers, "bound": self.nll_bound, "within_bound": within}


def _parities(found: "Mapping[Rule, Parity]", onto: "Rule", again: "Parity | None") -> Numbers:
    """The figures of the kept model, of all, and of the kept one rounded to four bits once more."""
    numbers: Numbers = {
        "parity": figures(found[onto]),
        "rules": {rule: figures(parity) for rule, parity in found.items()},
    }
    return numbers if again is None else {**numbers, "requantised": figures(again)}
