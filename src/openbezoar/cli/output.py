"""What every verb prints with: tables or JSON on stdout, all else a line on stderr."""

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from openbezoar.outline import table

if TYPE_CHECKING:
    from openbezoar.recipe import Recipe


def print_table(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON or as columns, without those that are empty throughout."""
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False, default=str))
        return
    if not rows:
        print("nothing yet")
        return
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    print("\n".join(table(names, ([row[name] for name in names] for row in rows))))


def say(line: str) -> None:
    """Tell the person a line that is no result."""
    print(line, file=sys.stderr, flush=True)


def tell_keys(recipe: "Recipe") -> None:
    """A recipe may be a stranger's: say which key would go where before any goes."""
    from openbezoar.shelf import visible

    for name, (variable, address) in recipe.keys_sent().items():
        kept = "" if os.environ.get(variable) else " (not set)"
        line = f"models.{name} sends the key in {variable}{kept} to {address}"
        print(visible(line), file=sys.stderr)


def fail(message: str, code: int = 1) -> None:
    """End with one line that says what is wrong."""
    from openbezoar.shelf import visible

    start = "\n" if sys.stderr.isatty() else ""  # below the line that tells of progress
    print(f"{start}error: {visible(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(code)
