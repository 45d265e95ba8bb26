"""The merge stage: an adapter becomes part of its base, as a checkpoint anyone can load."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from openbezoar.component import Runtime
from openbezoar.devices import Device
from openbezoar.families import Bench, Numbers, Stage, expect
from openbezoar.plurals import counted
from openbezoar.stages.candidates import Reference, Trained, better, compared, figures, write
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

    device: Device = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`, `xpu`, or `auto`: a CUDA GPU where there is one."""


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
    """The weights that the adapter is added to. better: those whose model, loaded as it is
    `used_in`, has the lower KL divergence from the trained one; the original ones when equal."""
    used_in: Literal["bfloat16", "nf4"] | None = None
    """How the model is loaded where it is used. Left out: nf4 where a train stage starts from it
    with that precision, which rounds it to 4 bits again, else bfloat16."""
    parity_rows: NonNegativeInt = 8
    """Validation rows (of a data set without them: training rows) on which merged and trained model
    are compared, what the trained one expects being held in memory; 0 compares nothing, and then
    `onto` must say what to merge onto."""
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

    def settled(self, name: str, stages: Mapping[str, Stage]) -> "MergeStage":
        """Used in nf4 where a train stage says so."""
        if self.used_in is not None:
            return self
        starts = [stage for stage in stages.values() if getattr(stage, "start", None) == name]
        in_four_bits = any(getattr(stage, "precision", "") == "nf4" for stage in starts)
        return self.model_copy(update={"used_in": "nf4" if in_four_bits else "bfloat16"})

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
        found = self._compared("bfloat16", trained, candidates, reference)
        again: Mapping[Rule, Parity] = {}
        if self.used_in == "nf4":
            again = self._compared("nf4", trained, candidates, reference)
        onto, why = self._choice(lesson.precision, again or found)
        (candidates / onto).rename(out)
        shutil.rmtree(candidates)
        numbers |= {"format": trained.format.fingerprint, "onto": onto, "why": why}
        if found:
            numbers["compared_on"] = (
                f"{counted(len(trained.sequences), f'{part} row')} of {lesson.data}"
            )
            numbers |= {"parity": figures(found[onto]), "rules": _all(found)}
            numbers |= {"requantised": _all(again)} if again else {}
            numbers["boundary"] = self._boundary((again or found)[onto], bench)
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

    def _compared(
        self, precision: "Precision", trained: Trained, folder: Path, reference: Reference
    ) -> "Mapping[Rule, Parity]":
        if not trained.sequences:
            return {}
        return {
            rule: compared(folder / rule, precision, trained, reference)
            for rule in self._rules(trained.precision)
        }

    def _choice(self, precision: "Precision", found: "Mapping[Rule, Parity]") -> "tuple[Rule, str]":
        """What is kept, and why."""
        if precision != "nf4":
            return "original", f"trained on {precision} weights, so that both rules give one model"
        if self.onto != "better":
            return self.onto, f"onto: {self.onto}"
        onto = better(found)
        other = next(rule for rule in found if rule != onto)
        return onto, (
            f"loaded in {self.used_in} nearer to the model as trained: KL "
            f"{found[onto].divergence:.4g} nats a token, onto the {other} weights "
            f"{found[other].divergence:.4g}"
        )

    def _boundary(self, kept: "Parity", bench: Bench) -> Numbers:
        """What an answer token costs on either side of the merge, in the model as it is used."""
        change = kept.nll - kept.reference_nll
        within = abs(change) <= self.nll_bound
        if not within:
            bench.say(
                f"warning: an answer token costs {change:+.3f} nats after the merge, loaded in "
                f"{self.used_in}, beyond nll_bound {self.nll_bound}"
            )
        return {
            "loaded_in": self.used_in,
            "nll_before": kept.reference_nll,
            "nll_after": kept.nll,
            "bound": self.nll_bound,
            "within_bound": within,
        }


def _all(found: "Mapping[Rule, Parity]") -> Numbers:
    return {rule: figures(parity) for rule, parity in found.items()}
