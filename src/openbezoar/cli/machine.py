"""Verbs about this machine and the form of a recipe."""

import json

from openbezoar.cli.options import (
    AsJson,
)
from openbezoar.cli.output import print_table


def schema() -> None:
    """Print the JSON schema of a recipe, by which editors check it."""
    from openbezoar.recipe import schema as recipe_schema

    print(json.dumps(recipe_schema(), indent=2, ensure_ascii=False))


def doctor(as_json: AsJson = False) -> None:
    """Say what this machine can run, and what is missing."""
    from openbezoar.doctor import findings

    print_table(findings(), as_json)
