"""What `bezoar plan` says of costs."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from openbezoar.cli.output import print_table, say

if TYPE_CHECKING:
    from openbezoar.estimates.estimate import Estimate
    from openbezoar.plan import Step
    from openbezoar.recipe import Recipe
    from openbezoar.store import Store


def probe(recipe: "Recipe", store: "Store", most: int) -> None:
    """Make a few rows of each stage of rows, and measure the machine where training needs it."""
    from openbezoar import runner
    from openbezoar.estimates.probes import measure_rate
    from openbezoar.plan import plan
    from openbezoar.progress import Teller

    for stage, why in runner.probe(recipe, store, most, Teller(sys.stderr)).items():
        say(f"warning: stages.{stage}: no probe: {why}")
    measure_rate(store, plan(recipe, store))


def estimated(recipe: "Recipe", steps: "Sequence[Step]", store: "Store") -> "list[Estimate]":
    """What each step will take, as far as is known."""
    from openbezoar.estimates.forecast import forecast
    from openbezoar.estimates.probes import seen_in_probes

    return forecast(recipe, steps, store, seen_in_probes(store, steps))


def tell(estimates: "Sequence[Estimate]") -> None:
    """Print what each stage will take, and all of them, unless everything is made."""
    from openbezoar.estimates.estimate import in_all
    from openbezoar.estimates.tables import estimate_rows

    left = [one for one in estimates if one.basis != "made"]
    if not left:
        return
    print()
    print_table(estimate_rows([*left, in_all(left)]), as_json=False)


def warn(recipe: "Recipe", estimates: "Sequence[Estimate]") -> None:
    """Say what is not known, and whether a limit of the run will be reached."""
    from openbezoar.estimates.estimate import in_all
    from openbezoar.estimates.tables import beyond
    from openbezoar.shelf import visible

    stages: dict[str, list[str]] = {}
    for one in estimates:
        for note in one.notes:
            stages.setdefault(note, []).append(one.stage)
    for note, names in stages.items():
        say(visible(f"unknown: {', '.join(names)}: {note}"))
    if recipe.budget is None:
        return
    for line in beyond(in_all(estimates), recipe.budget):
        say(f"warning: {line}")


def tell_actual(recipe: "Recipe", store: "Store", as_json: bool) -> None:
    """Print what was expected of the recipe's stages when they began, and what they took."""
    from openbezoar.errors import StoreError
    from openbezoar.estimates.actual import compared
    from openbezoar.estimates.keeping import kept
    from openbezoar.estimates.tables import comparison_rows
    from openbezoar.plan import plan

    steps = plan(recipe, store)
    found = [store.find(step.name, step.fingerprint) for step in steps if step.state == "made"]
    made = compared(kept(store), [artifact for artifact in found if artifact])
    if not made:
        raise StoreError(
            f"{store.root}: no stage of the recipe is made there and was estimated before; "
            "bezoar run keeps an estimate"
        )
    if as_json:
        content = [
            {
                "stage": one.stage, "figure": one.figure, "actual": one.actual,
                "estimated": one.estimated and one.estimated.model_dump(),
                "difference": one.difference, "within": one.within,
            }
            for one in made
        ]  # fmt: skip
        print(json.dumps(content, indent=2))
        return
    print_table(comparison_rows(made), as_json=False)
