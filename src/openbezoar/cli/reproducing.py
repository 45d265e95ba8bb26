"""The verb that runs again what a report, a card or a manifest tells of."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openbezoar.cli.options import AsJson, MaxHours, MaxUsd
from openbezoar.cli.output import print_table, say, tell_keys

if TYPE_CHECKING:
    from openbezoar.reproduction.checking import Difference
    from openbezoar.reproduction.comparing import Line


def reproduce(  # noqa: PLR0913 - one argument per option
    document: Annotated[
        Path, typer.Argument(help="A report, a card or a manifest, or a folder that holds one.")
    ],
    store: Annotated[
        Path, typer.Option("--store", help="The folder for what is made; not that of the run.")
    ] = Path(".bezoar/reproduced"),
    check: Annotated[
        bool, typer.Option("--check", help="Only compare versions, data and settings.")
    ] = False,
    tolerance: Annotated[
        float, typer.Option(min=0, help="The share of itself that a number may differ by.")
    ] = 0.01,
    despite_differences: Annotated[
        bool, typer.Option("--despite-differences", help="Run it where data or settings differ.")
    ] = False,
    max_usd: MaxUsd = None,
    max_hours: MaxHours = None,
    as_json: AsJson = False,
) -> None:
    """Run again what a document tells of, and compare.

    Exit 1 when something differs.
    """
    from openbezoar import plan, runner
    from openbezoar.errors import ConfigError
    from openbezoar.progress import Teller
    from openbezoar.reproduction import checking, comparing, reading
    from openbezoar.store import Store
    from openbezoar.versions import commit, versions

    account = reading.read_account(document)
    recipe = reading.recipe_of(account, document).limited(max_usd, max_hours)
    tell_keys(recipe)
    steps = plan.plan(recipe, Store(store))
    found = checking.check(account, steps, versions() | {"commit": commit()})
    decisive = [one for one in found if one.decisive]
    say(f"compared: {'; '.join(checking.told_of(account, steps))}")
    if check:
        _print_differences(found, as_json)
        raise typer.Exit(1 if decisive else 0)
    for one in found:
        say(_told(one))
    if decisive and not despite_differences:
        raise ConfigError(
            f"{document}: {len(decisive)} of these differences decide the result; mend them, "
            "or run it all the same with --despite-differences"
        )
    artifacts = runner.run(recipe, Store(store), Teller(sys.stderr))
    lines = comparing.compare(account, artifacts, tolerance)
    _print_lines(lines, as_json)
    if any(line.outcome == "differs" for line in lines):
        raise typer.Exit(1)


def _told(one: "Difference") -> str:
    from openbezoar.shelf import visible

    return visible(f"{one.what}: {one.where}: {one.difference}")


def _print_differences(found: "list[Difference]", as_json: bool) -> None:
    if as_json:
        print(json.dumps([one._asdict() for one in found], indent=2, ensure_ascii=False))
        return
    for one in found:
        print(_told(one))
    if not found:
        print("nothing differs of what was compared")


def _print_lines(lines: "list[Line]", as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {"stage": line.stage, "outcome": line.outcome, "files_equal": line.files,
         "numbers_within": line.numbers}
        for line in lines
    ]  # fmt: skip
    beyond = [
        {"stage": line.stage, "number": number.name, "then": number.then, "now": number.now,
         "allowed": number.allowed}
        for line in lines
        for number in line.beyond
    ]  # fmt: skip
    if as_json:
        print(json.dumps({"stages": rows, "beyond": beyond}, indent=2, ensure_ascii=False))
        return
    if all(line.outcome == "not compared" for line in lines):
        print("made; the document tells no numbers to compare with")
        return
    print_table(rows, as_json)
    if beyond:
        print()
        print_table(beyond, as_json)
