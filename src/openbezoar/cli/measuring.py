"""Verbs that try a model out."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from openbezoar.cli.options import DEFAULT_STORE, AsJson, StoreFolder, store_at
from openbezoar.cli.output import print_table


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
    """Say of each metric whether two models are shown to differ."""
    from openbezoar.comparison import comparing, sides, tables

    side_a = sides.side_of(a, store_at(store))
    side_b = sides.side_of(b, store_at(other_store or store))
    found = comparing.compare(side_a, side_b, despite_settings)
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    print_table(tables.rows_of(found), as_json)
    print("\n" + "\n".join(tables.lines_below(found)))


def chat(  # noqa: PLR0913 - one argument per option
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
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=1, help="The most tokens of one answer.")
    ] = 512,
) -> None:
    """Talk to a model; /help lists the commands.

    /system TEXT begins anew under another system message, /reset begins anew, /save FILE adds the
    conversation to a file, /quit ends. The source jsonl rejects a conversation with an answer that
    was cut off.
    """
    from openbezoar.chat import partner, talk
    from openbezoar.families import Sampling
    from openbezoar.recipe import load

    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # what is typed or piped may be in another encoding
    named = load(recipe).models if recipe else {}
    found = partner.find(model, store_at(store), named, force)
    chat = partner.Chat(Sampling(temperature=temperature, max_tokens=max_tokens), system)
    talk.talk(found, chat, sys.stdin, sys.stdout, sys.stderr)
