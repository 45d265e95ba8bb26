"""What README and docs name is there: links, headings, commands, flags, targets, files, tests."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from openbezoar.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
RECIPES = sorted((ROOT / "recipes").rglob("*.yaml"))
OF_OTHERS = {"--address", "--api-key", "--nproc_per_node", "--no-deps", "--quantization"}
"""Flags of ray, vLLM, torchrun and pip."""
YOURS = {"src/openbezoar/filters/questions.py", "tests/filters/test_questions.py"}
"""Files that a page asks its reader to write."""


OF_BENCHMARKS = {
    flag
    for path in (ROOT / "benchmarks").rglob("*.py")
    for flag in re.findall(r'"(--[a-z][\w-]*)"', path.read_text(encoding="utf-8"))
}


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose_of(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """What a link can lead to: the headings as the hub and GitHub name them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def flags_of(command: TyperCommand) -> set[str]:
    found = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    return {flag for flag in found if flag.startswith("-")} | {"--help", "--debug"}


def commands() -> dict[str, TyperCommand]:
    """Every verb, those of `data` with both words."""
    found = {}
    waiting = [("", get_command(app))]
    for name, verb in waiting:
        if isinstance(verb, TyperGroup):
            waiting += [(f"{name} {part}".strip(), one) for part, one in verb.commands.items()]
        elif isinstance(verb, TyperCommand):
            found[name] = verb
    return found


def said(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every `bezoar VERB` of a text with the flags that follow it."""
    for verb, rest in re.findall(r"(?<![\w/.-])bezoar +(data [a-z]+|[a-z]+)([^\n`#|>]*)", text):
        alone = re.sub(r"""'[^']*'|"[^"]*"|\s{3,}.*""", "", rest)
        yield verb, re.findall(r"(?<!\S)--?[a-z][\w-]*", alone)


def code_of(page: Path) -> str:
    """Blocks and spans of code, where a command is a command and no sentence."""
    text = text_of(page)
    blocks = re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", prose_of(page))])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("page", [*PAGES, *RECIPES], ids=name_of)
def test_every_verb_and_flag_is_one_of_the_command(page: Path) -> None:
    known = commands()
    text = code_of(page) if page.suffix == ".md" else text_of(page)
    for verb, flags in said(text):
        assert verb in known, f"bezoar {verb}"
        assert set(flags) <= flags_of(known[verb]), f"bezoar {verb} {flags}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_flag_named_alone_is_one_of_some_verb(page: Path) -> None:
    known = set().union(*map(flags_of, commands().values()), OF_OTHERS, OF_BENCHMARKS)
    assert set(re.findall(r"`(--[a-z][\w-]*)", prose_of(page))) <= known


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_target_of_make_is_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", text_of(page), re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_of_the_repository_that_is_named_is_there(page: Path) -> None:
    named = re.findall(r"\b((?:src|tests|benchmarks|recipes|docs)/[\w./-]*\w)", text_of(page))
    assert [one for one in named if not (ROOT / one).exists() and one not in YOURS] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_test_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", text_of(page)))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", text_of(path))
    }
    assert named <= there


def planned() -> list[str]:
    """What README and docs say to plan or run of the recipes that ship."""
    found = [
        command
        for page in PAGES
        for command in re.findall(r"bezoar (?:plan|run) +(recipes/[^`#\n]*)", code_of(page))
    ]
    return sorted({re.split(r"\s{3,}|--(?:probe \d+|actual|store)", one)[0] for one in found})


@pytest.mark.parametrize("line", planned())
def test_a_recipe_that_a_page_runs_can_be_planned_as_it_is_run(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path))
    done = CliRunner().invoke(app, ["plan", *shlex.split(line), "--store", str(tmp_path / "store")])
    assert done.exception is None, done.exception


@pytest.mark.parametrize("line", ["bezoar polish x", "bezoar peek x --rejectd", "bezoar data fill"])
def test_a_command_that_is_not_there_would_be_found(line: str) -> None:
    ((verb, flags),) = said(line)
    known = commands()
    assert verb not in known or not set(flags) <= flags_of(known[verb])
