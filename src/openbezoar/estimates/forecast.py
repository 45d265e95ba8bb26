"""Walks a plan and says of every stage what it will take."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from openbezoar.estimates import asking, measuring, rows, training
from openbezoar.estimates.earlier import seen_earlier
from openbezoar.estimates.estimate import Estimate, Work
from openbezoar.estimates.evidence import Known, flow_of
from openbezoar.estimates.memory import TORCH
from openbezoar.estimates.rows import Place
from openbezoar.families import Expected, Flow
from openbezoar.models.prices import price_of
from openbezoar.models.transformers import Transformers
from openbezoar.plan import Step
from openbezoar.ranges import NOTHING, Range, total
from openbezoar.recipe import Recipe
from openbezoar.store import Store

__all__ = ["forecast"]

KINDS: Mapping[str, Callable[[Any, Place], Work]] = {
    "source": rows.source,
    "generate": asking.generate,
    "filter": asking.sift,
    "mix": rows.mix,
    "train": training.train,
    "merge": training.merge,
    "evaluate": measuring.evaluate,
}
NO_PRICE = "the price of {} is not known: give it under `prices`"
NO_COUNT = "how much {} will be asked is not known, and so neither what it costs"


def forecast(
    recipe: Recipe, steps: Sequence[Step], store: Store, probed: Known | None = None
) -> list[Estimate]:
    """What a run would take now, stage by stage; a stage that is made takes nothing."""
    probed = probed or Known({})
    earlier = seen_earlier(store.artifacts(), steps)
    known = Known({**earlier, **probed.evidence}, probed.flops)
    flows: dict[str, Flow] = {}
    found: list[Estimate] = []
    is_warm = False
    for step in steps:
        made = store.find(step.name, step.fingerprint) if step.state == "made" else None
        if made is not None:
            flows[step.name] = flow_of(made)
            found.append(_made(step, flows[step.name]))
            continue
        place = Place(step.name, recipe, flows, known, is_warm)
        work = KINDS[step.stage.kind](step.stage, place)
        flows[step.name] = work.flow
        found.append(_priced(step, work, recipe))
        is_warm = is_warm or _loads_torch(step, work, recipe)
    return found


def _made(step: Step, flow: Flow) -> Estimate:
    return Estimate(
        stage=step.name, kind=step.stage.kind, fingerprint=step.fingerprint, basis="made",
        rows=flow.rows, requests=NOTHING, tokens_in=NOTHING, tokens_out=NOTHING,
        seconds=NOTHING, memory_mb=NOTHING, disk_mb=NOTHING,
    )  # fmt: skip


def _priced(step: Step, work: Work, recipe: Recipe) -> Estimate:
    every = None if work.asked is None else _all(work.asked)
    money = _money(step, work, recipe)
    return Estimate(
        stage=step.name,
        kind=step.stage.kind,
        fingerprint=step.fingerprint,
        basis=work.basis,
        rows=work.flow.rows,
        requests=every.requests if every else None,
        tokens_in=every.tokens_in if every else None,
        tokens_out=every.tokens_out if every else None,
        usd=money.known,
        unpriced=tuple(money.unknown),
        seconds=work.seconds,
        memory_mb=work.memory_mb,
        gpu_mb=work.gpu_mb,
        disk_mb=work.disk_mb,
        notes=(*work.notes, *money.unknown.values()),
    )


def _all(asked: Mapping[str, Expected]) -> Expected:
    found = Expected()
    for each in asked.values():
        found = found.plus(each)
    return found


class _Money(NamedTuple):
    """What the models of a stage cost."""

    known: Range | None
    """Absent where nobody bills."""
    unknown: dict[str, str]
    """By the model whose cost nobody knows, why."""


def _money(step: Step, work: Work, recipe: Recipe) -> _Money:
    asked = work.anew if work.anew is not None else work.asked
    costs: list[Range] = []
    unknown: dict[str, str] = {}
    for name in step.stage.uses():
        spec = recipe.models[name]
        price, each = price_of(spec, recipe.prices), (asked or {}).get(name)
        if price is None:
            unknown |= {spec.label: NO_PRICE.format(spec.label)} if spec.bills else {}
        elif each is None:
            unknown[spec.label] = NO_COUNT.format(spec.label)
        else:
            read, written = price.input / 1e6, price.output / 1e6
            costs.append(each.tokens_in * read + each.tokens_out * written)
    return _Money(total(costs) if costs else None, unknown)


def _loads_torch(step: Step, work: Work, recipe: Recipe) -> bool:
    """Whether the process holds torch from then on; a model that is not opened loads nothing."""
    if step.stage.kind in ("train", "merge", "evaluate"):
        return True
    local = any(isinstance(recipe.models[name], Transformers) for name in step.stage.uses())
    return local and (work.memory_mb is None or work.memory_mb.likely >= TORCH.likely)
