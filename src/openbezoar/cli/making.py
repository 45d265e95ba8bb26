"""Verbs that make something of a recipe, or say what a run would do."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openbezoar.cli.options import (
    DEFAULT_STORE,
    AsJson,
    KeepContaminated,
    MaxHours,
    MaxUsd,
    Overrides,
    RecipeFile,
    StoreFolder,
)
from openbezoar.cli.output import print_table, say, tell_keys
from openbezoar.plurals import counted

if TYPE_CHECKING:
    from openbezoar.recipe import Recipe


def run(
    recipe: RecipeFile,
    store: StoreFolder = DEFAULT_STORE,
    set_: Overrides = None,
    keep_contaminated: KeepContaminated = False,
    max_usd: MaxUsd = None,
    max_hours: MaxHours = None,
) -> None:
    """Make what the recipe describes; what is made already is kept."""
    from openbezoar import runner, shelf
    from openbezoar.progress import Teller
    from openbezoar.store import Store

    loaded = loaded_recipe(recipe, set_, keep_contaminated).limited(max_usd, max_hours)
    tell_keys(loaded)
    artifacts = runner.run(loaded, Store(store), Teller(sys.stderr))
    for line in shelf.kept_contaminated(artifacts):
        say(f"warning: {line}")
    count = counted(len(artifacts), "artifact")
    print(f"{count} in {store}; look at them: bezoar report --store {store}")


def plan(  # noqa: PLR0913 - one argument per option
    recipe: RecipeFile,
    store: StoreFolder = DEFAULT_STORE,
    set_: Overrides = None,
    keep_contaminated: KeepContaminated = False,
    max_usd: MaxUsd = None,
    max_hours: MaxHours = None,
    probe: Annotated[
        int | None,
        typer.Option(
            min=2,
            max=1000,
            help="First make so many rows with each teacher and judge, whose answers a run uses.",
        ),
    ] = None,
    actual: Annotated[
        bool, typer.Option("--actual", help="Compare what was expected with what it took.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a run would make and why, and what it will cost."""
    from openbezoar.cli import costs
    from openbezoar.plan import plan as steps_of
    from openbezoar.store import Store

    loaded = loaded_recipe(recipe, set_, keep_contaminated).limited(max_usd, max_hours)
    held = Store(store)
    if actual:
        costs.tell_actual(loaded, held, as_json)
        return
    tell_keys(loaded)
    if probe is not None:
        costs.probe(loaded, held, probe)
    steps = steps_of(loaded, held)
    estimates = costs.estimated(loaded, steps, held)
    rows = [
        {
            "stage": step.name,
            "kind": step.stage.kind,
            "state": step.state,
            "why": step.why,
            "fingerprint": step.fingerprint[:12],
        }
        | ({"judges": step.notes, "warnings": step.warnings} if as_json else {})
        | ({"estimate": estimate.model_dump(mode="json")} if as_json else {})
        for step, estimate in zip(steps, estimates, strict=True)
    ]
    print_table(rows, as_json)
    notes = [f"{step.name}: {note}" for step in steps for note in step.notes]
    if notes and not as_json:
        print("\n" + "\n".join(notes))
    if not as_json:
        costs.tell(estimates)
    for step in steps:
        for warning in step.warnings:
            print(f"warning: stages.{step.name}: {warning}", file=sys.stderr)
    costs.warn(loaded, estimates)


def check(
    recipe: RecipeFile,
    stage: Annotated[str | None, typer.Argument(help="A train stage; all of them without.")] = None,
    store: StoreFolder = DEFAULT_STORE,
    set_: Overrides = None,
    rows: Annotated[int, typer.Option(min=0, help="How many rows of each stage to show.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Show what each train stage would learn, token by token.

    Exit 1 when it would be spoilt.
    """
    from openbezoar import check as checks
    from openbezoar.recipe import load
    from openbezoar.shelf import visible
    from openbezoar.store import Store

    found = checks.check(load(recipe, set_ or []), Store(store), stage, rows)
    faults = [fault for one in found for fault in one.faults]
    if as_json:
        print(json.dumps([one.as_json() for one in found], indent=2, ensure_ascii=False))
    else:
        print_table(checks.counts(found), as_json)
        for one in found:
            for row in one.rows:
                print(f"\n{checks.readable(row, sys.stdout.isatty())}")
    for one in found:
        for note in one.notes:
            say(f"stages.{one.stage}: {note}")
    for fault in faults:
        say(f"error: {visible(str(fault))}")
    if faults:
        raise typer.Exit(1)


def calibrate(  # noqa: PLR0913 - one argument per option
    recipe: RecipeFile,
    stage: Annotated[str, typer.Argument(help="A filter stage with a judge, made before.")],
    store: StoreFolder = DEFAULT_STORE,
    set_: Overrides = None,
    count: Annotated[int, typer.Option("-n", min=30, max=1000, help="Rows to label.")] = 80,
    web: Annotated[
        bool, typer.Option("--web", help="Label on a page in the browser, not in the terminal.")
    ] = False,
    labels: Annotated[
        Path | None,
        typer.Option(help="The labels' file; calibration/RECIPE.STAGE.labels.jsonl if not given."),
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Take labels from a .jsonl or .csv file.")
    ] = None,
    precision: Annotated[
        float, typer.Option(min=0, max=1, help="The share of kept rows that should be good.")
    ] = 0.9,
    compare: Annotated[
        list[str] | None,
        typer.Option(help="Only compare with the judge of this stage, or with one in YAML."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Label rows by hand, and measure a judge on them.

    Sets the rating that rows are kept from.
    """
    from datetime import UTC, datetime

    from openbezoar.calibration import tables, terminal
    from openbezoar.calibration import web as page
    from openbezoar.calibration.study import open_study
    from openbezoar.store import Store

    study = open_study(recipe, set_ or [], stage, Store(store), labels, say)
    if import_:
        say(study.take(import_))
    elif web and not compare:
        page.ask(study.desk(count), say)
    elif not compare:
        terminal.ask(study.desk(count), sys.stdin, sys.stderr)
    if compare:
        print_table(tables.compared(study.compare(compare), precision), as_json)
        return
    found = study.measure()
    shown = tables.as_json(found, precision)
    print(json.dumps(shown, indent=2) if as_json else tables.readable(found, precision))
    say(study.write(found, precision, datetime.now(UTC).date()))


def loaded_recipe(path: Path, overrides: list[str] | None, keep_contaminated: bool) -> "Recipe":
    from openbezoar.recipe import keeping_contaminated, load

    loaded = load(path, overrides or [])
    if not keep_contaminated:
        return loaded
    return load(path, [*(overrides or []), *keeping_contaminated(loaded)])
