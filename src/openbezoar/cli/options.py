"""The arguments that several verbs share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from openbezoar.store import Store

DEFAULT_STORE = Path(".bezoar")


def stages_here(incomplete: str) -> list[str]:
    """The stages of the default store whose names begin so: what a shell completes."""
    manifests = DEFAULT_STORE.glob("*-*/manifest.json")
    names = {path.parent.name.rpartition("-")[0] for path in manifests}
    return sorted(name for name in names if name.startswith(incomplete))


def store_at(folder: Path) -> "Store":
    """The store to look into; StoreError where --store names a folder that is not there."""
    from openbezoar.errors import StoreError
    from openbezoar.store import Store

    if folder != DEFAULT_STORE and not folder.is_dir():
        raise StoreError(f"{folder}: no such folder; name one that bezoar run --store made")
    return Store(folder)


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
MaxUsd = Annotated[
    float | None,
    typer.Option("--max-usd", help="The most money that one run may spend; wins over the recipe."),
]
MaxHours = Annotated[
    float | None,
    typer.Option("--max-hours", help="The most time that one run may take; wins over the recipe."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
