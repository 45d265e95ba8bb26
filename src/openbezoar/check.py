"""Looks at each train stage before it trains: its rows as tokens, and what would spoil them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from openbezoar import memory
from openbezoar.component import nearest
from openbezoar.devices import has_device
from openbezoar.errors import ConfigError, StoreError
from openbezoar.families import ModelSpec
from openbezoar.plan import Step, check_ready, plan
from openbezoar.recipe import Recipe
from openbezoar.shelf import visible
from openbezoar.stages.merge import MergeStage
from openbezoar.stages.start import Start, find_start
from openbezoar.stages.train import TrainStage
from openbezoar.store import Artifact, Store

if TYPE_CHECKING:
    from openbezoar.training.checks import Fault
    from openbezoar.training.encoding import EncodedRows
    from openbezoar.training.format import Encoded, Format

__all__ = ["Checked", "Shown", "check", "counts", "readable"]

TRIED = 4
"""The rows, the shortest ones, on which the model itself is tried."""
LESSONS = {"": "learned", "chosen": "preferred", "rejected": "avoided"}
"""What becomes of an answer in training."""
DIM, PLAIN = "\x1b[2m", "\x1b[0m"


class Shown(NamedTuple):
    """A row as the model sees it."""

    id: str
    masked: str
    learned: str
    """What the loss is about."""
    answer: str = ""
    """Which answer of a pair it is: chosen or rejected."""

    @property
    def title(self) -> str:
        """The row, and what becomes of its answer."""
        return f"{self.id}: {self.answer}, to be {LESSONS[self.answer]}" if self.answer else self.id


class Checked(NamedTuple):
    """What was found at one train stage; without a data set nothing was looked at."""

    stage: str
    notes: tuple[str, ...]
    format: str = ""
    data: tuple[dict[str, Any], ...] = ()
    """Rows and tokens of each part of the data set."""
    rows: tuple[Shown, ...] = ()
    faults: tuple["Fault", ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        found = self._asdict()
        for name in ("rows", "faults"):
            found[name] = [part._asdict() for part in found[name]]
        return found


def check(recipe: Recipe, store: Store, stage: str | None = None, rows: int = 2) -> list[Checked]:
    """Check the recipe's train stages, or one of them, on what the store holds.

    Reads the store and writes nothing; loads the models of the stages whose data is there.
    """
    wanted = [name for name, part in recipe.stages.items() if isinstance(part, TrainStage)]
    if stage is not None and stage not in wanted:
        raise ConfigError(f"stages: no train stage is called {stage!r}{nearest(stage, wanted)}")
    steps = {step.name: step for step in plan(recipe, store)}
    made = {name: store.find(name, step.fingerprint) for name, step in steps.items()}
    seen = _Seen(recipe, {name: one for name, one in made.items() if one is not None})
    return [_checked(steps[name], seen, rows) for name in wanted if stage in (None, name)]


def counts(found: list[Checked]) -> list[dict[str, Any]]:
    """A line for each part of each data set."""
    return [{"stage": one.stage} | part for one in found for part in one.data]


def readable(row: Shown, colour: bool) -> str:
    """A row with its masked part dimmed, or every line marked where there is no colour."""
    if colour:
        return f"# {visible(row.title)}\n{DIM}{visible(row.masked)}{PLAIN}{visible(row.learned)}"
    lesson = LESSONS[row.answer]
    parts = (("masked".ljust(len(lesson)), row.masked), (lesson, row.learned))
    lines = [f"{mark} | {line}" for mark, text in parts for line in visible(text).splitlines()]
    return "\n".join([f"# {visible(row.title)}", *lines])


@dataclass(frozen=True)
class _Seen:
    """A recipe and the artifacts that its stages have made."""

    recipe: Recipe
    inputs: Mapping[str, Artifact]

    @property
    def specs(self) -> Mapping[str, ModelSpec]:
        return self.recipe.models

    @property
    def find(self) -> Callable[[str], Artifact]:
        by_print = {one.manifest.fingerprint: one for one in self.inputs.values()}

        def found(print_: str) -> Artifact:
            if print_ not in by_print:
                raise StoreError(f"the artifact {print_[:12]} is not one that this recipe makes")
            return by_print[print_]

        return found


def _checked(step: Step, seen: _Seen, shown: int) -> Checked:
    from openbezoar.training.checks import training_faults
    from openbezoar.training.encoding import encode_data
    from openbezoar.training.format import Format
    from openbezoar.training.tokenizer import SentencePieceBackend

    stage = step.stage
    assert isinstance(stage, TrainStage)  # noqa: S101 - only those are asked for
    if stage.data not in seen.inputs:
        note = f"not looked at: its data {stage.data!r} is not made yet; run the recipe up to there"
        return Checked(step.name, (note,))
    start, notes = _start(stage.start, seen)
    try:
        check_ready(stage, seen.recipe)
    except ConfigError as error:  # a GPU that is elsewhere, say: rows can be looked at anywhere
        notes += (f"a run would refuse here: {error}",)
    format_ = Format.for_training(start.folder, stage.rendering)
    if isinstance(format_.tokenizer, SentencePieceBackend):
        notes += ("its tokenizer.model is used itself: what is converted from it splits otherwise",)
    limit = stage.optimisation.max_tokens
    parts = encode_data(seen.inputs[stage.data], stage.objective, format_, limit)
    faults = training_faults(format_, start, parts, step.name)
    if parts["train"].rows and not faults:
        faults = list(_model_faults(stage, start, parts["train"], f"stages.{step.name}"))
    return Checked(
        stage=step.name,
        notes=notes,
        format=format_.fingerprint,
        data=tuple(_counts(name, part) for name, part in parts.items()),
        rows=tuple(_shown(format_, parts["train"], shown, stage.objective.answers)),
        faults=tuple(faults),
    )


def _start(name: str, seen: _Seen) -> tuple[Start, tuple[str, ...]]:
    """Where the stage begins; what is not made yet stands for what it will be made from."""
    if name in seen.specs or name in seen.inputs:
        return find_start(name, seen), ()
    stage = seen.recipe.stages[name]
    below = stage.adapter if isinstance(stage, MergeStage) else getattr(stage, "start", "")
    start, notes = _start(below, seen)
    return start, (f"{name!r}, which it starts from, is not made yet; checked on {below!r}", *notes)


def _model_faults(
    stage: TrainStage, start: Start, part: "EncodedRows", where: str
) -> Iterator["Fault"]:
    from openbezoar.training.adapters import device_for
    from openbezoar.training.model_checks import gradient_faults, packing_faults

    wanted = stage.runtime.device
    device = device_for(wanted if has_device(wanted) else "auto")
    rows = sorted(part.rows, key=lambda row: sum(len(one.ids) for one in row))[:TRIED]
    opening = replace(stage.opening(start), has_reference=False)
    yield from packing_faults(replace(opening, precision="float32")(device), rows, where)
    memory.release()
    yield from gradient_faults(opening(device), stage.objective, rows, where)


def _counts(name: str, part: "EncodedRows") -> dict[str, Any]:
    return {
        "part": name,
        "rows": len(part.rows),
        "tokens": part.tokens,
        "learned": part.answer_tokens,
        "share": part.answer_tokens / part.tokens if part.tokens else None,
        **{f"{what}_cut": count for what, count in part.cut.items()},
        "left_out": sum(part.left_out.values()),
        "reasons": "; ".join(f"{why}: {n}" for why, n in part.left_out.most_common()) or None,
    }


def _shown(
    format_: "Format", part: "EncodedRows", count: int, answers: tuple[str, ...]
) -> Iterator[Shown]:
    for id_, row in zip(part.ids[:count], part.rows[:count], strict=True):
        for sequence, answer in zip(row, answers, strict=True):
            yield Shown(id_, *_halves(format_, sequence), answer)


def _halves(format_: "Format", sequence: "Encoded") -> tuple[str, str]:
    at = sequence.supervised.index(True)
    decode = format_.tokenizer.decode
    return decode(sequence.ids[:at]), decode(sequence.ids[at:])
