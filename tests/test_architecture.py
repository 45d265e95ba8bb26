"""The rules of the house that no linter knows."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "openbezoar"
MODULES = sorted(PACKAGE.rglob("*.py"))
FAMILIES = ("schemes", "filters", "judges", "objectives", "evaluations", "sources", "stages")
PARTS = [
    path
    for family in FAMILIES
    for path in sorted((PACKAGE / family).glob("*.py"))
    if "    kind: Literal[" in path.read_text(encoding="utf-8")
]
ALL = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = docstring.split("\n\n")[0]
    assert first.endswith((".", ":"))
    assert "\n" not in first
    assert first.count(". ") == 0


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_public_names_are_sorted_and_there(path: Path) -> None:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    names = getattr(module, "__all__", [])
    assert all(hasattr(module, name) for name in names)
    upper = [name for name in names if name.isupper()]
    classes = [name for name in names if not name.isupper() and not name[0].islower()]
    rest = [name for name in names if name[0].islower()]
    assert list(names) == sorted(upper) + sorted(classes) + sorted(rest)


@pytest.mark.parametrize("path", PARTS, ids=name_of)
def test_every_part_has_its_tests(path: Path) -> None:
    assert (ROOT / "tests" / path.parent.name / f"test_{path.name}").exists()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_remote_code_is_trusted_and_nothing_is_unpickled(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for word in ("trust_remote_code=True", "torch.load(", "import pickle", "except Exception"):
        assert word not in text


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_command_line_prints(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    printed = [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
    assert not printed or path.parent.name == "cli" or path.name == "progress.py"
