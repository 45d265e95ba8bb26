"""Verbs about what is shared with others."""

from typing import Annotated

import typer

from openbezoar.cli.options import DEFAULT_STORE, StoreFolder


def card(
    stage: Annotated[str, typer.Argument(help="A stage of rows or of weights.")],
    store: StoreFolder = DEFAULT_STORE,
    accept_licence: Annotated[
        str | None,
        typer.Option(help="Why it is published in spite of a conflict or an unknown licence."),
    ] = None,
) -> None:
    """Print the card of a data set or model: licence, origin, scores, limits, recipe."""
    from openbezoar import cards, shelf
    from openbezoar.licences import verdict
    from openbezoar.store import Store

    held = Store(store)
    artifact = shelf.latest(held, stage)
    print(cards.card(held, artifact, verdict(held, artifact), accept_licence), end="")
