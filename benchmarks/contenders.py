"""What the benchmarks share: their options, children, environments for peers, what they print."""

import argparse
import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def options(doc: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark with peers has."""
    parser = argparse.ArgumentParser(description=(doc or "").split("\n", 1)[0])
    parser.add_argument("--peers", action="store_true", help="install and run the peers too")
    parser.add_argument("--venvs", type=Path, default=ROOT / ".venv" / "peers")
    parser.add_argument("--json", action="store_true")
    return parser


def show(found: dict[str, Any], as_json: bool) -> None:
    """Print one JSON object, or its keys one by one."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:20} {value}")


def environment(home: Path, package: str, borrow: bool = False) -> Path:
    """The interpreter of a peer's environment, made at the first call.

    One that borrows sees this interpreter's packages behind its own: nothing large is installed
    twice, and both sides run on the same versions.
    """
    python = home / "bin" / "python"
    if (home / "installed").exists():
        return python
    _quietly([sys.executable, "-m", "venv", "--without-pip", str(home)])
    if borrow:
        asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
        found = subprocess.run([python, "-c", asked], check=True, stdout=subprocess.PIPE, text=True)
        lent = sysconfig.get_path("purelib")
        Path(found.stdout.strip(), "borrowed.pth").write_text(f"{lent}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    _quietly([*pip, *package.split()])
    (home / "installed").touch()
    return python


def run(call: list[str]) -> dict[str, Any]:
    """The JSON object that a command prints in its last line."""
    done = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _quietly(call: list[str]) -> None:
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
