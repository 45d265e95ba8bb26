"""Talking to a model, line by line and through the command."""

import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from openbezoar.chat.partner import Chat, Partner
from openbezoar.chat.talk import talk
from openbezoar.errors import ModelError, ParseError
from openbezoar.families import ChatModel, Piece, Request, Sampling
from openbezoar.models.scripted import Line, Scripted, ScriptedModel


class Told(Scripted):
    """A model that answers with what it was asked."""

    kind: str = "told"  # type: ignore[assignment]

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        return _opened(ScriptedModel(_answer))


class Torn(ScriptedModel):
    """A model that breaks off after its first word."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(_answer)
        self._error = error

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        yield Piece("Well")
        raise self._error


class Tears(Scripted):
    """Opens such a model."""

    kind: str = "tears"  # type: ignore[assignment]
    interrupts: bool = False

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        return _opened(Torn(KeyboardInterrupt() if self.interrupts else ModelError("away")))


@asynccontextmanager
async def _opened(model: ChatModel) -> AsyncIterator[ChatModel]:
    yield model


def _answer(request: Request) -> str:
    said = request.messages[-1].content
    if said == "long":
        raise ParseError("too long for the model")
    if said == "nothing":
        return " "
    return f"{len(request.messages)}: {said}"


def heard(*lines: str, spec: Scripted | None = None) -> tuple[list[str], str, Chat]:
    """What stands on the screen and beside it, and the conversation."""
    chat, screen, aside = Chat(Sampling(max_tokens=9)), io.StringIO(), io.StringIO()
    partner = Partner(spec or Told(lines=()), "sft-0a1b")
    talk(partner, chat, io.StringIO("\n".join(lines)), screen, aside)
    return screen.getvalue().splitlines(), aside.getvalue(), chat


def test_an_answer_is_remembered_in_the_next_question() -> None:
    assert heard("one", "", "two")[0] == ["1: one", "3: two"]


def test_reset_forgets_and_the_system_message_stays() -> None:
    screen, aside, chat = heard("/system Be brief.", "one", "/reset", "two", "/system")
    assert screen == ["2: one", "2: two"]
    assert aside.count("system: Be brief.") == 2
    assert len(chat.turns) == 2


def test_another_system_message_begins_anew_for_it_never_applied_before(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    _, aside, _ = heard("one", "/system Be brief.", "two", "/system", f"/save {path}")
    assert aside.count("what was said is forgotten") == 1
    messages = json.loads(path.read_text(encoding="utf-8"))["messages"]
    assert [message["content"] for message in messages] == ["Be brief.", "two", "2: two"]


CUT = Scripted(lines=(Line(reply="It was", finish_reason="length"),))


def test_an_answer_that_was_cut_is_marked_on_the_screen_and_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    screen, aside, _ = heard("Tell all", f"/save {path}", spec=CUT)
    assert screen == ["It was"]
    assert "cut off at 9 tokens; --max-tokens 18 allows more\n" in aside
    assert f"saved in {path}; an answer in it is not whole" in aside
    assert json.loads(path.read_text(encoding="utf-8"))["finish_reason"] == "length"


def test_quit_ends_before_the_lines_do() -> None:
    assert heard("one", "/quit", "two")[0] == ["1: one"]


def test_a_conversation_is_saved_where_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    _, aside, _ = heard(f"/save {path}", "one", f"/save {path}", f"/save {tmp_path}", "/save")
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert len(saved.pop("messages")) == 2
    assert saved == {"model": "sft-0a1b", "finish_reason": "stop"}
    for said in ("nothing was said yet", f"saved in {path}", "name another file", "/save FILE"):
        assert said in aside


def test_an_unknown_command_is_told_and_never_asked() -> None:
    screen, aside, _ = heard("/rest", "/help")
    assert screen == []
    assert "/rest: no such command (did you mean '/reset'?)" in aside
    assert "/quit ends" in aside


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("long", "no answer: too long for the model; /reset begins anew"),
        ("nothing", "the answer is empty"),
    ],
)
def test_a_question_without_an_answer_is_not_remembered(said: str, told: str) -> None:
    screen, aside, _ = heard("one", said, "two")
    assert told in aside
    assert screen[-1] == "3: two"


def test_a_server_that_goes_away_ends_no_conversation() -> None:
    _, aside, chat = heard("one", "two", spec=Tears(lines=()))
    assert aside.count("no answer: away") == 2
    assert chat.turns == []


def test_an_answer_broken_off_by_the_person_is_kept_as_far_as_it_came() -> None:
    screen, aside, chat = heard("one", spec=Tears(lines=(), interrupts=True))
    assert screen == ["Well"]
    assert "broken off" in aside
    assert (chat.turns[-1].content, chat.finish_reason) == ("Well", "interrupted")


def test_an_answer_cannot_steer_the_terminal() -> None:
    assert heard("\x1b[31mred")[0] == ["1: \\x1b[31mred"]


def bezoar(folder: Path, *arguments: str, said: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from openbezoar.cli import main; main()", "chat", *arguments],
        cwd=folder, input=said, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


RECIPE = """\
name: small
models:
  parrot: {kind: scripted, lines: [{match: "(.*)", reply: "You said \\\\1"}]}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions}}
"""


def test_the_command_reads_lines_and_writes_answers_alone_to_stdout(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    done = bezoar(tmp_path, "parrot", "--recipe", "recipe.yaml", said="one\n/reset\ntwo\n/quit\n")
    assert (done.returncode, done.stdout) == (0, "You said one\nYou said two\n")
    assert "forgotten" in done.stderr
    cut = bezoar(tmp_path, "parrot", "--recipe", "recipe.yaml", "--max-tokens", "0", said="")
    assert cut.returncode == 2
    wrong = bezoar(tmp_path, "parot", "--recipe", "recipe.yaml", said="")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "did you mean 'parrot'" in wrong.stderr


def test_the_command_reads_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    program = [sys.executable, "-c", "from openbezoar.cli import main; main()", "chat", "parrot"]
    done = subprocess.run(
        [*program, "--recipe", "recipe.yaml"], cwd=tmp_path, input=b"caf\xe9\n",
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout.decode()) == (0, "You said caf\ufffd\n")


@pytest.mark.slow
def test_the_command_talks_to_a_checkpoint_s_folder(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """A random model says something or nothing, but the end of the lines ends it well."""
    done = bezoar(tmp_path, str(tiny_checkpoint), "--temperature", "0", said="Hello\n")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(tiny_checkpoint.name)
