"""The command `bezoar`: each verb parses its arguments, calls one function and prints."""

import errno
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from openbezoar.cli import (
    data,
    looking,
    machine,
    making,
    measuring,
    reproducing,
    sharing,
    starting,
)
from openbezoar.cli.output import fail

VERBS: tuple[tuple[Callable[..., None], str], ...] = (
    (starting.init, "bezoar init recipe.yaml --rows mine.jsonl --preferences none --yes"),
    (making.run, "bezoar run recipes/quickstart.yaml --max-usd 5 --max-hours 2"),
    (making.plan, "bezoar plan recipes/small.yaml --probe 20 --max-hours 2"),
    (making.check, "bezoar check recipes/small.yaml sft_evol --rows 1"),
    (looking.show, "bezoar show dpo"),
    (looking.peek, "bezoar peek evol_kept --rejected --reason residue"),
    (looking.why, "bezoar why evol-dolly-12.1"),
    (making.calibrate, "bezoar calibrate recipes/small.yaml lamini_kept --web"),
    (looking.report, "bezoar report --out report.html"),
    (reproducing.reproduce, "bezoar reproduce .bezoar/report.html --check"),
    (measuring.compare, "bezoar compare eval_base eval_dpo"),
    (measuring.chat, "bezoar chat dpo_model"),
    (sharing.card, "bezoar card dpo_model > README.md"),
    (sharing.publish, "bezoar publish evol_data --to hf:me/evol --dry-run"),
    (machine.schema, "bezoar schema > recipe.schema.json"),
    (machine.doctor, "bezoar doctor"),
)
"""In the order of the help, each with an example."""
DATA_VERBS: tuple[tuple[Callable[..., None], str], ...] = (
    (data.list_, "bezoar data list"),
    (data.pull, "bezoar data pull dolly"),
    (data.verify, "bezoar data verify dolly"),
)
BUDGET_REACHED = 3
INTERRUPTED = 130
"""The exit code that typer gives when the person presses Ctrl-C."""
CONTINUE = {"run", "plan", "reproduce", "calibrate", "publish", "data"}
"""The verbs that keep what they had when they were interrupted."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

app = typer.Typer(
    name="bezoar",
    help="A base model, a teacher and seed rows in; a small, aligned, evaluated chat model out.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Public data sets: list, fetch, verify.", no_args_is_help=True)
app.add_typer(data_app, name="data")
for group, verbs in ((app, VERBS), (data_app, DATA_VERBS)):
    for verb, example in verbs:
        group.command(verb.__name__.rstrip("_"), epilog=f"Example: {example}")(verb)


def _tell_version(wanted: bool) -> None:
    from openbezoar.versions import versions

    if wanted:
        print(f"openbezoar {versions()['openbezoar']}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show where an error comes from; anywhere on the line."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Show the version."),
    ] = False,
) -> None:
    """What holds for every verb; `main` takes it off the line before any verb reads it."""


def main() -> None:
    """Run the command; expected errors are one line and exit code 1, or 3 for a budget."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
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
        fail(str(error), BUDGET_REACHED)
    except OpenBezoarError as error:
        fail(str(error))
    except OSError as error:
        if error.errno is None:
            raise
        fix = "make room or " if error.errno in FULL else ""
        fail(f"{error.filename or 'the disk'}: {error.strerror}; {fix}choose another folder")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            print(_interrupted(sys.argv[1:]), file=sys.stderr)
        raise


def _interrupted(arguments: list[str]) -> str:
    verb = next((word for word in arguments if not word.startswith("-")), "")
    rest = "; the same command continues from here" if verb in CONTINUE else ""
    return f"interrupted{rest}"
