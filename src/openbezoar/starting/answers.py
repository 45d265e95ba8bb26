"""The five questions of a first recipe, and which answers they take."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from openbezoar import hub
from openbezoar.component import nearest
from openbezoar.errors import ConfigError, DataError
from openbezoar.sources.jsonl import JsonlSource

__all__ = ["QUESTIONS", "Answers", "Question", "Teacher", "teacher_of"]

SCHEMES = ("respond", "evol_instruct", "lamini")


class Answers(NamedTuple):
    """What a person wants to make, and of what."""

    rows: str = "sample"
    teacher: str = "embedded"
    scheme: str = "respond"
    base: str = "smollm2-135m-instruct"
    preferences: str = "sample"


class Question(NamedTuple):
    """One question; its name is a field of the answers, and a flag."""

    name: str
    text: str
    choices: str
    """The answers it takes, in words."""
    check: Callable[[str], None]
    """Raises ConfigError, with the fix, for an answer that it does not take."""


class Teacher(NamedTuple):
    """Who writes the answers: the embedded model, or one behind an address."""

    kind: str
    model: str = ""
    base_url: str = ""


def teacher_of(answer: str) -> Teacher:
    """`embedded`, `openai:MODEL`, `openai:MODEL@ADDRESS` or `anthropic:MODEL`."""
    kind, _, rest = answer.partition(":")
    model, _, address = rest.partition("@http")
    base_url = f"http{address}" if address else ""
    if answer == "embedded":
        return Teacher("llama_cpp", "smollm2-135m-instruct")
    if kind == "openai" and "@" in model:
        name, _, address = model.partition("@")
        whole = address if "/" in address else f"{address or 'localhost:8000'}/v1"
        raise ConfigError(
            f"teacher: {address!r} is no address; one begins with http:// or https://, such as "
            f"openai:{name}@http://{whole}"
        )
    is_known = kind == "openai" or (kind == "anthropic" and not address)
    if not is_known or not model:
        raise ConfigError(
            f"teacher: {answer!r} is none; write embedded, openai:MODEL, openai:MODEL@ADDRESS "
            "or anthropic:MODEL"
        )
    if base_url and not urlsplit(base_url).hostname:
        raise ConfigError(f"teacher: {base_url!r} is no address; write http://HOST:PORT/v1")
    return Teacher(kind, model, base_url)


def _check_rows(answer: str) -> None:
    _check_source("rows", answer, ("sample", "dolly"))


def _check_preferences(answer: str) -> None:
    _check_source("preferences", answer, ("none", "sample", "hh_rlhf"))


def _check_source(name: str, answer: str, known: tuple[str, ...]) -> None:
    if answer in known:
        return
    if _is_file_name(answer):
        _check_file(name, answer)
        return
    hint = nearest(answer, known)
    raise ConfigError(f"{name}: {answer!r} is neither known{hint} nor a .jsonl file")


def _check_file(name: str, answer: str) -> None:
    rows = "preferences" if name == "preferences" else "seeds"
    try:
        JsonlSource.model_validate({"path": answer, "rows": rows}).check_ready()
    except DataError as error:
        where = "" if answer in str(error) else f"{answer}: "
        raise ConfigError(f"{name}: {where}{error}") from None


def _is_file_name(answer: str) -> bool:
    return answer.endswith((".jsonl", ".jsonl.gz"))


def _check_teacher(answer: str) -> None:
    teacher_of(answer)


def _check_scheme(answer: str) -> None:
    if answer not in SCHEMES:
        raise ConfigError(f"scheme: unknown {answer!r}{nearest(answer, SCHEMES)}")


def _check_base(answer: str) -> None:
    if not answer.strip() or not answer.isprintable():
        raise ConfigError("base: name a checkpoint of the hub, or a folder that holds one")
    is_folder = Path(answer).expanduser().is_dir()
    if not is_folder and answer != hub.EMBEDDED and hub.split_name(answer) is None:
        raise ConfigError(f"base: {answer}: no such folder; one of the hub is named OWNER/NAME")


QUESTIONS = (
    Question("rows", "Which instructions does it start from?",
             "sample, dolly, or a .jsonl file of yours with a field `instruction`", _check_rows),
    Question("teacher", "Which model writes the answers?",
             "embedded, openai:MODEL, openai:MODEL@ADDRESS, anthropic:MODEL", _check_teacher),
    Question("scheme", "What does it write?",
             "respond (answers), evol_instruct (harder instructions too), lamini (new ones too)",
             _check_scheme),
    Question("base", "Which model is trained?",
             "smollm2-135m-instruct, a name on the hub, or a folder", _check_base),
    Question("preferences", "Which pairs of a better and a worse answer is it aligned with?",
             "none, sample, hh_rlhf, or a .jsonl file with `prompt`, `chosen`, `rejected`",
             _check_preferences),
)  # fmt: skip
"""In the order in which they are asked."""
