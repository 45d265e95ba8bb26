"""The command `bezoar`: each verb parses its arguments, calls one function and prints."""

import errno
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openbezoar.outline import outline, table

if TYPE_CHECKING:
    from openbezoar.recipe import Recipe

app = typer.Typer(
    name="bezoar",
    help="A base model, a teacher and seed rows in; a small, aligned, evaluated chat model out.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data = typer.Typer(help="Public data sets: list, fetch, verify.", no_args_is_help=True)
app.add_typer(data, name="data")

RecipeFile = Annotated[Path, typer.Argument(help="The recipe, a YAML file.")]
StoreFolder = Annotated[Path, typer.Option("--store", help="The folder that holds the artifacts.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("-s", "--set", help="Override a setting: stages.dpo.objective.beta=0.05"),
]
KeepContaminated = Annotated[
    bool,
    typer.Option(
        "--keep-contaminated", help="Mark rows that hold benchmark items instead of dropping them."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DEFAULT_STORE = Path(".bezoar")
BUDGET_REACHED = 3
INTERRUPTED = 130
"""The exit code that typer gives when the person presses Ctrl-C."""


@app.callback()
def options(
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show where an error comes from; anywhere on the line."),
    ] = False,
) -> None:
    """What holds for every verb; `main` takes it off the line before any verb reads it."""


@app.command(epilog="Example: bezoar run recipes/quickstart.yaml")
def run(
    recipe: RecipeFile,
    store: StoreFolder = DEFAULT_STORE,
    set_: Overrides = None,
    keep_contaminated: KeepContaminated = False,
) -> None:
    """Make what the recipe describes; what is made already is kept."""
    from openbezoar import runner, shelf
    from openbezoar.progress import Teller
    from openbezoar.store import Store

    loaded = _loaded(recipe, set_, keep_contaminated)
    _tell_keys(loaded)
    artifacts = runner.run(loaded, Store(store), Teller(sys.stderr))
    for line in shelf.kept_contaminated(artifacts):
        _say(f"warning: {line}")
    print(f"{len(artifacts)} artifacts in {store}; look at them: bezoar report --store {store}")


@app.command(epilog="Example: bezoar plan recipes/small.yaml -s stages.dpo.objective.beta=0.2")
def plan(
    recipe: RecipeFile,
    store: StoreFolder = DEFAULT_STORE,
    set_: Overrides = None,
    keep_contaminated: KeepContaminated = False,
    as_json: AsJson = False,
) -> None:
    """Say what a run would make, make again or keep, and why."""
    from openbezoar.plan import plan as steps_of
    from openbezoar.store import Store

    loaded = _loaded(recipe, set_, keep_contaminated)
    steps = steps_of(loaded, Store(store))
    _tell_keys(loaded)
    rows = [
        {
            "stage": step.name,
            "kind": step.stage.kind,
            "state": step.state,
            "why": step.why,
            "fingerprint": step.fingerprint[:12],
        }
        | ({"judges": step.notes, "warnings": step.warnings} if as_json else {})
        for step in steps
    ]
    _print_table(rows, as_json)
    notes = [f"{step.name}: {note}" for step in steps for note in step.notes]
    if notes and not as_json:
        print("\n" + "\n".join(notes))
    for step in steps:
        for warning in step.warnings:
            print(f"warning: stages.{step.name}: {warning}", file=sys.stderr)


@app.command(epilog="Example: bezoar check recipes/small.yaml sft_evol --rows 1")
def check(
    recipe: RecipeFile,
    stage: Annotated[str | None, typer.Argument(help="A train stage; all of them without.")] = None,
    store: StoreFolder = DEFAULT_STORE,
    set_: Overrides = None,
    rows: Annotated[int, typer.Option(min=0, help="How many rows of each stage to show.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Look at what each train stage would learn, token by token; exit 1 when it would be spoilt."""
    from openbezoar import check as checks
    from openbezoar.recipe import load
    from openbezoar.shelf import visible
    from openbezoar.store import Store

    found = checks.check(load(recipe, set_ or []), Store(store), stage, rows)
    faults = [fault for one in found for fault in one.faults]
    if as_json:
        print(json.dumps([one.as_json() for one in found], indent=2, ensure_ascii=False))
    else:
        _print_table(checks.counts(found), as_json)
        for one in found:
            for row in one.rows:
                print(f"\n{checks.readable(row, sys.stdout.isatty())}")
    for one in found:
        for note in one.notes:
            _say(f"stages.{one.stage}: {note}")
    for fault in faults:
        _say(f"error: {visible(str(fault))}")
    if faults:
        raise typer.Exit(1)


@app.command(epilog="Example: bezoar show dpo")
def show(
    stage: Annotated[str | None, typer.Argument(help="A stage; all of them without.")] = None,
    store: StoreFolder = DEFAULT_STORE,
    funnel: Annotated[
        bool, typer.Option("--funnel", help="Only what each scheme asked for, lost and kept.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the artifacts and the funnels of a store, or the numbers of one stage."""
    from openbezoar import shelf
    from openbezoar.store import Store

    held = Store(store)
    if funnel:
        _print_table(
            [step for step in shelf.funnel(held) if stage in (None, step["stage"])], as_json
        )
    elif stage is None:
        _print_table(shelf.overview(held), as_json)
        if not as_json and (steps := shelf.funnel(held)):
            print()
            _print_table(steps, as_json)
    else:
        manifest = shelf.latest(held, stage).manifest.model_dump(mode="json")
        print(
            json.dumps(manifest, indent=2, ensure_ascii=False)
            if as_json
            else shelf.visible(outline(manifest))
        )


@app.command(epilog="Example: bezoar peek evol_kept --rejected --reason residue")
def peek(  # noqa: PLR0913 - one argument per option
    stage: Annotated[str, typer.Argument(help="The stage whose rows to read.")],
    store: StoreFolder = DEFAULT_STORE,
    count: Annotated[int, typer.Option("-n", min=1, help="How many rows.")] = 5,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="What was dropped, and why.")
    ] = False,
    failed: Annotated[bool, typer.Option("--failed", help="What could not be made.")] = False,
    reason: Annotated[str, typer.Option(help="Only reasons that contain this.")] = "",
    as_json: AsJson = False,
) -> None:
    """Read some rows of a stage: kept ones, or rejected or failed ones below their reasons."""
    from openbezoar import shelf
    from openbezoar.store import Store

    which = "rejected" if rejected else "failed" if failed else "rows"
    artifact = shelf.latest(Store(store), stage)
    if not as_json and (counts := shelf.reasons(artifact, which, reason)):
        _print_table(counts, as_json)
        print()
    found = shelf.rows(artifact, which, reason)
    for _, row in zip(range(count), found, strict=False):
        print(json.dumps(row, ensure_ascii=False) if as_json else shelf.readable(row) + "\n")


@app.command(epilog="Example: bezoar why evol-dolly-12.1")
def why(
    row_id: Annotated[str, typer.Argument(help="The id of a row, as `bezoar peek` shows it.")],
    store: StoreFolder = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Walk back a row: its making with every prompt and answer, its parents, and its later use."""
    from openbezoar import passport
    from openbezoar.store import Store

    found = passport.passport(Store(store), row_id)
    print(found.model_dump_json(indent=2) if as_json else passport.readable(found))


@app.command(epilog="Example: bezoar calibrate recipes/small.yaml lamini_kept --web")
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
    """Label rows by hand, measure the judge on them, set the rating that rows are kept from."""
    from datetime import UTC, datetime

    from openbezoar.calibration import tables, terminal
    from openbezoar.calibration import web as page
    from openbezoar.calibration.study import open_study
    from openbezoar.store import Store

    study = open_study(recipe, set_ or [], stage, Store(store), labels, _say)
    if import_:
        _say(study.take(import_))
    elif web and not compare:
        page.ask(study.desk(count), _say)
    elif not compare:
        terminal.ask(study.desk(count), sys.stdin, sys.stderr)
    if compare:
        _print_table(tables.compared(study.compare(compare), precision), as_json)
        return
    found = study.measure()
    shown = tables.as_json(found, precision)
    print(json.dumps(shown, indent=2) if as_json else tables.readable(found, precision))
    _say(study.write(found, precision, datetime.now(UTC).date()))


@app.command(epilog="Example: bezoar report --out report.html")
def report(
    store: StoreFolder = DEFAULT_STORE,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file; STORE/report.html if not given.")
    ] = None,
) -> None:
    """Write one self-contained HTML page about everything in the store."""
    from openbezoar.report.page import write
    from openbezoar.store import Store

    print(write(Store(store), out or store / "report.html"))


@app.command(epilog="Example: bezoar compare eval_base eval_dpo")
def compare(
    a: Annotated[str, typer.Argument(help="An evaluate stage, or FILE.jsonl:MODEL of FastChat.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
    store: StoreFolder = DEFAULT_STORE,
    other_store: Annotated[
        Path | None, typer.Option("--store-b", help="The store of B, where it is another.")
    ] = None,
    despite_settings: Annotated[
        bool,
        typer.Option("--despite-settings", help="Compare scores whose settings differ, too."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say of each metric whether two measured models are shown to differ."""
    from openbezoar.comparison import comparing, sides, tables
    from openbezoar.store import Store

    side_a = sides.side_of(a, Store(store))
    side_b = sides.side_of(b, Store(other_store or store))
    found = comparing.compare(side_a, side_b, despite_settings)
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    _print_table(tables.rows_of(found), as_json)
    print("\n" + "\n".join(tables.lines_below(found)))


@app.command(epilog="Example: bezoar chat dpo_model")
def chat(
    model: Annotated[
        str,
        typer.Argument(help="A merge stage of the store, a model of --recipe, a folder, a name."),
    ],
    store: StoreFolder = DEFAULT_STORE,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="The recipe whose models can be named.")
    ] = None,
    system: Annotated[str, typer.Option(help="The system message to begin with.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Take a model whose files changed since it was made.")
    ] = False,
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy.")] = 0.7,
) -> None:
    """Talk to a model; /system TEXT, /reset, /save FILE and /quit are commands."""
    from openbezoar.chat import partner, talk
    from openbezoar.recipe import load
    from openbezoar.store import Store

    named = load(recipe).models if recipe else {}
    spec = partner.find(model, Store(store), named, force)
    talk.talk(spec, partner.chat_of(system, temperature), sys.stdin, sys.stdout, sys.stderr)


@app.command(epilog="Example: bezoar schema > recipe.schema.json")
def schema() -> None:
    """Print the JSON schema of a recipe, for editors that complete and check YAML."""
    from openbezoar.recipe import schema as recipe_schema

    print(json.dumps(recipe_schema(), indent=2, ensure_ascii=False))


@app.command(epilog="Example: bezoar doctor")
def doctor(as_json: AsJson = False) -> None:
    """Say what this machine can run, and what is missing."""
    from openbezoar.doctor import findings

    _print_table(findings(), as_json)


@data.command("list", epilog="Example: bezoar data list")
def data_list(as_json: AsJson = False) -> None:
    """List the public data sets, their licences, and which are here."""
    from openbezoar import catalog

    _print_table([row._asdict() for row in catalog.listing()], as_json)


@data.command("pull", epilog="Example: bezoar data pull dolly")
def data_pull(
    name: Annotated[str, typer.Argument(help="A data set of `bezoar data list`.")],
    as_json: AsJson = False,
) -> None:
    """Fetch a data set and check its sums."""
    from openbezoar import catalog

    rows = catalog.pull(name, say=_say)
    _print_table([row._asdict() for row in rows], as_json)


@data.command("verify", epilog="Example: bezoar data verify dolly")
def data_verify(
    name: Annotated[str | None, typer.Argument(help="A data set; all of them without.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the sums of the data that is here; exit 1 when one is wrong."""
    from openbezoar import catalog

    rows = catalog.verify(name) if name else catalog.listing()
    _print_table([row._asdict() for row in rows], as_json)
    if any(row.state == "wrong sum" for row in rows):
        raise typer.Exit(1)


def main() -> None:
    """Run the command; expected errors are one line and exit code 1, or 3 for a budget."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    # Threads that spin while they wait slow each other manifold on a busy machine (docs/lab.md).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if "--debug" in sys.argv:
        sys.argv.remove("--debug")
        app()
        return
    from openbezoar.errors import BudgetReached, OpenBezoarError

    try:
        app()
    except BudgetReached as error:
        _fail(str(error), BUDGET_REACHED)
    except OpenBezoarError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno is None:
            raise
        fix = "make room or " if error.errno in _FULL else ""
        _fail(f"{error.filename or 'the disk'}: {error.strerror}; {fix}choose another folder")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            print("interrupted; the same command continues from here", file=sys.stderr)
        raise


def _loaded(path: Path, overrides: list[str] | None, keep_contaminated: bool) -> "Recipe":
    from openbezoar.recipe import keeping_contaminated, load

    loaded = load(path, overrides or [])
    if not keep_contaminated:
        return loaded
    return load(path, [*(overrides or []), *keeping_contaminated(loaded)])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _fail(message: str, code: int = 1) -> None:
    from openbezoar.shelf import visible

    start = "\n" if sys.stderr.isatty() else ""  # below the line that tells of progress
    print(f"{start}error: {visible(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(code)


def _tell_keys(recipe: "Recipe") -> None:
    """A recipe may be a stranger's: say which key would go where before any goes."""
    from openbezoar.shelf import visible

    for name, (variable, address) in recipe.keys_sent().items():
        kept = "" if os.environ.get(variable) else " (not set)"
        line = f"models.{name} sends the key in {variable}{kept} to {address}"
        print(visible(line), file=sys.stderr)


def _print_table(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False, default=str))
        return
    if not rows:
        print("nothing yet")
        return
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    print("\n".join(table(names, ([row[name] for name in names] for row in rows))))
