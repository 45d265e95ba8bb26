"""Verbs that show what a store holds."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openbezoar.cli.options import (
    DEFAULT_STORE,
    AsJson,
    StoreFolder,
    stages_here,
    store_at,
)
from openbezoar.cli.output import print_table, say
from openbezoar.outline import outline

if TYPE_CHECKING:
    from openbezoar.store import Artifact, Store


def show(
    stage: Annotated[
        str | None,
        typer.Argument(help="A stage; all of them without.", autocompletion=stages_here),
    ] = None,
    store: StoreFolder = DEFAULT_STORE,
    funnel: Annotated[
        bool, typer.Option("--funnel", help="Only what each scheme asked for, lost and kept.")
    ] = False,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Only what every checkpoint of the line is like.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a store holds, or the numbers of one stage.

    Of a whole store its artifacts, its funnels and its ledger.
    """
    from openbezoar import shelf
    from openbezoar.report.checkpoints import checkpoints, rows_of
    from openbezoar.report.contents import gather

    _check_parts(stage, funnel, ledger)
    held = store_at(store)
    if stage is not None:
        artifact = shelf.latest(held, stage)
        if not funnel:
            print(_told(held, artifact, as_json))
            return
    contents = gather(held)
    for folder, why in contents.broken.items():
        say(shelf.visible(f"not shown: {held.root / folder}: {why}"))
    sound = [made.artifact for made in contents.by_print.values()]
    if ledger:
        print_table(rows_of(checkpoints(contents), as_json), as_json)
    elif funnel:
        print_table(
            [step for step in shelf.funnel(sound) if stage in (None, step["stage"])], as_json
        )
    else:
        print_table(shelf.overview(sound), as_json)
        below = () if as_json else (shelf.funnel(sound), rows_of(checkpoints(contents), as_json))
        for rows in filter(None, below):
            print()
            print_table(rows, as_json)
    if contents.broken:
        raise typer.Exit(1)


def peek(  # noqa: PLR0913 - one argument per option
    stage: Annotated[
        str, typer.Argument(help="The stage whose rows to read.", autocompletion=stages_here)
    ],
    store: StoreFolder = DEFAULT_STORE,
    count: Annotated[int, typer.Option("-n", min=1, help="How many rows.")] = 5,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="What was dropped, and why.")
    ] = False,
    failed: Annotated[bool, typer.Option("--failed", help="What could not be made.")] = False,
    reason: Annotated[str, typer.Option(help="Only reasons that contain this.")] = "",
    as_json: AsJson = False,
) -> None:
    """Read some rows of a stage: kept, rejected or failed ones."""
    from openbezoar import shelf

    which = "rejected" if rejected else "failed" if failed else "rows"
    artifact = shelf.latest(store_at(store), stage)
    if not as_json and (counts := shelf.reasons(artifact, which, reason)):
        print_table(counts, as_json)
        print()
    found = [row for _, row in zip(range(count), shelf.rows(artifact, which, reason), strict=False)]
    if not found:
        kind = "" if which == "rows" else f"{which} "
        say(f"{stage}: no {kind}rows" + f" whose reason contains {reason!r}" * bool(reason))
    for row in found:
        print(json.dumps(row, ensure_ascii=False) if as_json else shelf.readable(row) + "\n")


def why(
    row_id: Annotated[str, typer.Argument(help="The id of a row, as `bezoar peek` shows it.")],
    store: StoreFolder = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Walk a row back: who made it of what, and who used it.

    With every prompt and answer, verdict and parent.
    """
    from openbezoar.passport.text import readable
    from openbezoar.passport.walking import passport

    found = passport(store_at(store), row_id)
    print(found.model_dump_json(indent=2) if as_json else readable(found))


def report(
    store: StoreFolder = DEFAULT_STORE,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file; STORE/report.html if not given.")
    ] = None,
) -> None:
    """Write one HTML page about everything in the store.

    It needs no network and no other file.
    """
    from openbezoar.report.page import write

    print(write(store_at(store), out or store / "report.html"))


def _check_parts(stage: str | None, funnel: bool, ledger: bool) -> None:
    from openbezoar.errors import ConfigError

    if ledger and funnel:
        raise ConfigError("--funnel and --ledger are asked for one at a time")
    if ledger and stage is not None:
        raise ConfigError(f"--ledger is of the whole line; leave out {stage!r}")


def _told(held: "Store", artifact: "Artifact", as_json: bool) -> str:
    """One artifact: all of it as JSON, its scores as a table, or its manifest as an outline."""
    from openbezoar.component import written
    from openbezoar.scoreboard import scoreboard
    from openbezoar.shelf import visible

    manifest = artifact.manifest.model_dump(mode="json")
    if as_json:
        return json.dumps(manifest, indent=2, ensure_ascii=False)
    if manifest["makes"] == "scores":
        return scoreboard(artifact)
    manifest["science"] = written(manifest["science"])
    return visible("\n".join([outline(manifest), *_licence_lines(held, artifact)]))


def _licence_lines(store: "Store", artifact: "Artifact") -> list[str]:
    from openbezoar.errors import DataError
    from openbezoar.licences import told, verdict

    try:
        return told(verdict(store, artifact))
    except DataError as error:
        return [f"licence: {error}"]
