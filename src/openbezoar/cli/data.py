"""Verbs for public data sets."""

from typing import Annotated

import typer

from openbezoar.cli.options import AsJson
from openbezoar.cli.output import print_table, say


def list_(as_json: AsJson = False) -> None:
    """List the public data sets, their licences, and which are here."""
    from openbezoar import catalog

    print_table([row._asdict() for row in catalog.listing()], as_json)


def pull(
    name: Annotated[str, typer.Argument(help="A data set of `bezoar data list`.")],
    as_json: AsJson = False,
) -> None:
    """Fetch a data set and check its sums."""
    from openbezoar import catalog

    rows = catalog.pull(name, say=say)
    print_table([row._asdict() for row in rows], as_json)


def verify(
    name: Annotated[str | None, typer.Argument(help="A data set; all of them without.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the sums of the data here; exit 1 when one is wrong."""
    from openbezoar import catalog

    rows = catalog.verify(name) if name else catalog.listing()
    print_table([row._asdict() for row in rows], as_json)
    if any(row.state == "wrong sum" for row in rows):
        raise typer.Exit(1)
