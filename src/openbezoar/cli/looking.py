"""Verbs that show what a store holds."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from openbezoar.cli.options import (
    DEFAULT_STORE,
    AsJson,
    StoreFolder,
)
from openbezoar.cli.output import print_table
from openbezoar.outline import outline


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
        print_table(
            [step for step in shelf.funnel(held) if stage in (None, step["stage"])], as_json
        )
    elif stage is None:
        print_table(shelf.overview(held), as_json)
        if not as_json and (steps := shelf.funnel(held)):
            print()
            print_table(steps, as_json)
    else:
        manifest = shelf.latest(held, stage).manifest.model_dump(mode="json")
        if as_json:
            print(json.dumps(manifest, indent=2, ensure_ascii=False))
            return
        scores = manifest["numbers"].pop("scores", [])
        print(shelf.visible(outline(manifest)))
        _print_scores(scores)


def _print_scores(content: list[Any]) -> None:
    from openbezoar import scoreboard, shelf
    from openbezoar.records import Score

    if scores := [Score.model_validate(score) for score in content]:
        print()
        print_table(scoreboard.rows_of(scores), as_json=False)
        print("\n" + shelf.visible("\n".join(scoreboard.notes_of(scores))))


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
        print_table(counts, as_json)
        print()
    found = shelf.rows(artifact, which, reason)
    for _, row in zip(range(count), found, strict=False):
        print(json.dumps(row, ensure_ascii=False) if as_json else shelf.readable(row) + "\n")


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
