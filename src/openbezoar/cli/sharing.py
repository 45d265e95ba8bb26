"""Verbs that give what a store holds to others."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openbezoar.cli.options import DEFAULT_STORE, AsJson, StoreFolder, store_at
from openbezoar.cli.output import print_table, say
from openbezoar.publishing.gguf import Type

if TYPE_CHECKING:
    from openbezoar.publishing.destination import Destination
    from openbezoar.publishing.publication import Publication


def card(
    stage: Annotated[str, typer.Argument(help="A stage of rows or of weights.")],
    store: StoreFolder = DEFAULT_STORE,
    accept_licence: Annotated[
        str,
        typer.Option(help="Why it is published in spite of a conflict or an unknown licence."),
    ] = "",
) -> None:
    """Print the card of a data set or a model.

    It tells licence, origin, scores, limits and recipe.
    """
    from openbezoar import cards, shelf
    from openbezoar.licences import verdict

    held = store_at(store)
    artifact = shelf.latest(held, stage)
    told = cards.Told(accepted=accept_licence.strip())
    print(cards.card(held, artifact, verdict(held, artifact), told), end="")


def publish(  # noqa: PLR0913 - one argument per option
    stage: Annotated[str, typer.Argument(help="The stage whose newest artifact is published.")],
    to: Annotated[str, typer.Option(help="A folder, or hf:OWNER/NAME for the hub.")],
    store: StoreFolder = DEFAULT_STORE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show every file and what speaks against it.")
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="Let everyone see it on the hub, once it is complete.")
    ] = False,
    accept_licence: Annotated[
        str, typer.Option(metavar="REASON", help="Publish despite its licence; the card says why.")
    ] = "",
    accept_findings: Annotated[
        str, typer.Option(metavar="REASON", help="Publish despite what the scan found; likewise.")
    ] = "",
    base: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="What an adapter was trained on, on the hub.")
    ] = "",
    gguf: Annotated[
        Type | None, typer.Option(help="Add a GGUF file with weights of this type.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of another stage's publication.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish rows or a model to a folder or the hub.

    Rows, a data set, an adapter or a model, with its card.
    """
    from openbezoar import shelf
    from openbezoar.publishing.claim import Claim
    from openbezoar.publishing.destination import destination
    from openbezoar.publishing.publication import Wishes, kind_of, prepared

    held = store_at(store)
    artifact = shelf.latest(held, stage)
    where = destination(to, kind_of(artifact), public, Claim.of(artifact, replace))
    where.check()
    if not dry_run:
        where.log_in()
    wishes = Wishes(accept_licence.strip(), accept_findings.strip(), base.strip(), gguf)
    with prepared(held, artifact, wishes) as publication:
        if dry_run:
            _show(publication, where, as_json)
            raise typer.Exit(1 if publication.refusals else 0)
        publication.check()
        if gguf:
            publication = publication.with_gguf(gguf)
        for row in _listed(publication, where):
            say(f"{row['bytes']:>14,}  {row['to']}")
        print(where.send(publication.files, publication.message))


def _show(publication: "Publication", where: "Destination", as_json: bool) -> None:
    files = _listed(publication, where)
    if as_json:
        told = {"files": files, **publication.as_json()}
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    from openbezoar.shelf import visible

    print_table(files, as_json)
    verdict = publication.verdict
    print(f"\nlicence: {verdict.spdx or 'in doubt'}")
    for line in (*verdict.reasons, *publication.findings.told().splitlines()):
        print(visible(f"- {line}"))
    for refusal in publication.refusals:
        say(visible(f"would be refused: {refusal}"))


def _listed(publication: "Publication", where: "Destination") -> list[dict[str, Any]]:
    return [
        {"file": file.name, "bytes": file.bytes, "to": where.place(file.name)}
        for file in publication.files
    ]
