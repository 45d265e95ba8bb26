"""Walks a plan and says of every stage what it will take."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from openbezoar.estimates import asking, measuring, rows, training
from openbezoar.estimates.estimate import Estimate, Work
from openbezoar.estimates.evidence import Evidence, Known, flow_of
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


def forecast(
    recipe: Recipe, steps: Sequence[Step], store: Store, probed: Known | None = None
) -> list[Estimate]:
    """What a run would take now, stage by stage; a stage that is made takes nothing."""
    known = _known(store, probed or Known({}))
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


def _known(store: Store, probed: Known) -> Known:
    """A probe says more than an earlier run with other settings."""
    earlier = {one.manifest.stage: Evidence(one, "earlier run") for one in store.artifacts()}
    return Known({**earlier, **probed.evidence}, probed.flops)


def _made(step: Step, flow: Flow) -> Estimate:
    return Estimate(
        stage=step.name, kind=step.stage.kind, fingerprint=step.fingerprint, basis="made",
        rows=flow.rows, requests=NOTHING, tokens_in=NOTHING, tokens_out=NOTHING,
        seconds=NOTHING, memory_mb=NOTHING, disk_mb=NOTHING,
    )  # fmt: skip


def _priced(step: Step, work: Work, recipe: Recipe) -> Estimate:
    every = None if work.asked is None else _all(work.asked)
    usd, unpriced = _money(step, work, recipe)
    notes = [*work.notes, *(NO_PRICE.format(name) for name in unpriced)]
    return Estimate(
        stage=step.name,
        kind=step.stage.kind,
        fingerprint=step.fingerprint,
        basis=work.basis,
        rows=work.flow.rows,
        requests=every.requests if every else None,
        tokens_in=every.tokens_in if every else None,
        tokens_out=every.tokens_out if every else None,
        usd=usd,
        unpriced=unpriced,
        seconds=work.seconds,
        memory_mb=work.memory_mb,
        gpu_mb=work.gpu_mb,
        disk_mb=work.disk_mb,
        notes=tuple(notes),
    )


def _all(asked: Mapping[str, Expected]) -> Expected:
    found = Expected()
    for each in asked.values():
        found = found.plus(each)
    return found


def _money(step: Step, work: Work, recipe: Recipe) -> tuple[Range | None, tuple[str, ...]]:
    """What its models cost, and those whose price nobody knows."""
    billing = [name for name in step.stage.uses() if recipe.models[name].bills]
    asked = work.anew if work.anew is not None else work.asked
    costs: list[Range | None] = []
    unpriced: list[str] = []
    for name in billing:
        price = price_of(recipe.models[name], recipe.prices)
        if price is None:
            unpriced.append(recipe.models[name].label)
        else:
            each = (asked or {}).get(name, Expected())
            known = each.tokens_in * (price.input / 1e6) + each.tokens_out * (price.output / 1e6)
            costs.append(None if asked is None else known)
    return (total(costs) if costs else None), tuple(unpriced)


def _loads_torch(step: Step, work: Work, recipe: Recipe) -> bool:
    """Whether the process holds torch from then on; a model that is not opened loads nothing."""
    if step.stage.kind in ("train", "merge", "evaluate"):
        return True
    local = any(isinstance(recipe.models[name], Transformers) for name in step.stage.uses())
    return local and (work.memory_mb is None or work.memory_mb.likely >= TORCH.likely)
