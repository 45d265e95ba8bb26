"""The names of lm-eval's tasks, read once from its files and kept; the nearest to a mistake."""

import contextlib
import difflib
import importlib.util
import json
import os
import re
from functools import cache
from pathlib import Path

from openbezoar.errors import ConfigError
from openbezoar.files import cache_folder

__all__ = ["check_known", "folder_of", "package", "version"]

KEY = r"^[\"']?(?:%s)[\"']?:[ \t]*"
NAMED = re.compile(
    KEY % "task|group" + r"([\"']?)([^\s\"'#\[{|][^\"'#\n]*?)\1[ \t]*(?:#.*)?$", re.M
)
TAGGED = re.compile(KEY % "tag" + r"(?:(\S[^\n]*)|\n((?:[ \t]*- [^\n]+\n?)+))", re.M)


def check_known(task: str) -> None:
    """Raise ConfigError for a task that lm-eval lacks; where it is not installed nobody knows."""
    if package() is None or task in _names():
        return
    near = difflib.get_close_matches(task, _names(), n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "`lm_eval ls tasks` lists them"
    raise ConfigError(f"harness: lm-eval has no task {task!r}; {hint}")


def folder_of(task: str) -> Path | None:
    """The folder whose files make the task or group; none for a tag, whose tasks lie anywhere."""
    found, file = package(), _names().get(task)
    return found / "tasks" / Path(file).parent if found and file else None


def package() -> Path | None:
    """The folder of lm-eval, found without loading it."""
    spec = importlib.util.find_spec("lm_eval")
    return Path(spec.origin).parent if spec and spec.origin else None


def version() -> str:
    """The version of lm-eval."""
    from importlib.metadata import version as version_of

    return version_of("lm_eval")


@cache
def _names() -> dict[str, str]:
    """The file of every task, group and tag below lm-eval's tasks; a tag has none.

    lm-eval's own reading of its 14,000 files takes half a minute; this one is kept for its version.
    """
    kept = cache_folder() / f"lm_eval-{version()}-tasks.json"
    try:
        held = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        held = None
    if isinstance(held, dict):
        return held
    names = _read()
    with contextlib.suppress(OSError):  # a folder that cannot be written costs time, nothing else
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(names), encoding="utf-8")
        fresh.rename(kept)
    return names


def _read() -> dict[str, str]:
    found = package()
    names: dict[str, str] = {}
    tags: set[str] = set()
    tasks = (found or Path()) / "tasks"
    for path in sorted(tasks.rglob("*")):
        if path.suffix not in ("", ".yaml") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        # a file without suffix is included by others: it may tag them, but is no task
        for name in NAMED.finditer(text) if path.suffix == ".yaml" else ():
            names.setdefault(name[2].strip(), path.relative_to(tasks).as_posix())
        for tag in TAGGED.finditer(text):
            tags.update(re.findall(r"[\w./-]{2,}", tag[1] or tag[2]))
    return {**dict.fromkeys(sorted(tags), ""), **names}
