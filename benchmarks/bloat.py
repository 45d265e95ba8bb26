"""Prints the sizes of the package, as a compass: python benchmarks/bloat.py"""

import ast
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def functions(tree: ast.AST) -> list[int]:
    """The length of every function, in lines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]


def lines_of(folder: Path) -> dict[Path, int]:
    """The lines of every Python file below the folder."""
    files = sorted(folder.rglob("*.py"))
    return {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}


def main() -> None:
    """Print one line per number."""
    source, tests = lines_of(ROOT / "src"), lines_of(ROOT / "tests")
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in source]
    lengths = sorted(length for tree in trees for length in functions(tree))
    largest = max(source, key=lambda path: source[path])
    print(f"package lines         {sum(source.values())} in {len(source)} files")
    print(f"largest file          {source[largest]} ({largest.relative_to(ROOT)})")
    print(f"median file           {statistics.median(source.values()):.0f}")
    print(f"longest function      {lengths[-1]}")
    print(f"90 % of functions     {lengths[int(0.9 * len(lengths))]} lines or fewer")
    print(f"test lines per line   {sum(tests.values()) / sum(source.values()):.2f}")


if __name__ == "__main__":
    main()
