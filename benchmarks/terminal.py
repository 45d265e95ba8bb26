"""Draws the first table that a command of `bezoar` prints as in a terminal: the README's picture.

python benchmarks/terminal.py docs/pictures/terminal.svg show --store .bezoar/quickstart
"""

import subprocess
import sys
from html import escape
from pathlib import Path

WIDE, HIGH, EDGE = 7.3, 17.0, 14.0
INK, GROUND, PROMPT = "#d8dee2", "#14181b", "#5fb4d2"


def drawn(command: list[str], text: str) -> str:
    """The command and its output as an SVG picture."""
    lines = [f"$ {' '.join(command)}", *text.splitlines()]
    width = 2 * EDGE + WIDE * max(map(len, lines))
    height = 2 * EDGE + HIGH * len(lines)
    rows = [
        f'<text x="{EDGE:g}" y="{EDGE + HIGH * (place + 0.75):g}"'
        f"{f' fill={chr(34)}{PROMPT}{chr(34)}' if place == 0 else ''}"
        f' textLength="{WIDE * len(line):g}" xml:space="preserve">{escape(line)}</text>'
        for place, line in enumerate(lines)
        if line
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12" fill="{INK}">'
    )
    ground = f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{GROUND}"/>'
    return "\n".join([head, ground, *rows, "</svg>", ""])


def main() -> None:
    """Run the command and write its picture."""
    out, *arguments = sys.argv[1:]
    program = "from openbezoar.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    table, gap, _ = done.stdout.partition("\n\n")
    shown = f"{table}\n…" if gap else table
    Path(out).write_text(drawn(["bezoar", *arguments], shown), encoding="utf-8")
    print(out)


if __name__ == "__main__":
    main()
