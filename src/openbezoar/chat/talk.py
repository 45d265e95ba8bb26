"""The conversation itself: lines from a keyboard or a pipe, answers as they are written."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from openbezoar.chat.partner import Chat
from openbezoar.component import nearest
from openbezoar.driver import waiting
from openbezoar.errors import ModelError, ParseError
from openbezoar.families import ChatModel, ModelSpec
from openbezoar.shelf import visible

__all__ = ["talk"]

PROMPT = "> "
COMMANDS = {
    "/system": "/system TEXT sets the system message, /system alone shows it",
    "/reset": "/reset forgets what was said",
    "/save": "/save FILE adds the conversation to a file",
    "/help": "/help lists the commands",
    "/quit": "/quit ends",
}


def talk(spec: ModelSpec, chat: Chat, keyboard: TextIO, screen: TextIO, aside: TextIO) -> None:
    """Talk until `/quit` or the end of the lines; answers go to `screen`, all else to `aside`."""
    _tell(aside, f"{spec.label}: /help lists the commands; Ctrl-C ends an answer")
    with waiting() as wait:
        stack = AsyncExitStack()
        try:
            model = wait(stack.enter_async_context(spec.connect()))
            _Talk(model, chat, screen, aside, wait).over(_lines(keyboard, screen, aside))
        finally:
            wait(stack.aclose())


@dataclass
class _Talk:
    model: ChatModel
    chat: Chat
    screen: TextIO
    aside: TextIO
    wait: Callable[[Any], Any]

    def over(self, lines: Iterator[str]) -> None:
        for line in lines:
            said = line.strip()
            if said == "/quit":
                return
            if said.startswith("/"):
                _tell(self.aside, self._obey(said))
            elif said:
                self._answer(said)

    def _obey(self, line: str) -> str:
        """Do what a command says, and say what was done."""
        command, _, rest = line.partition(" ")
        rest = rest.strip()
        match command:
            case "/system":
                self.chat.system = rest or self.chat.system
                return f"system: {self.chat.system or 'of the model'}"
            case "/reset":
                self.chat.turns.clear()
                return "forgotten"
            case "/save":
                return self._save(rest)
            case "/help":
                return "\n".join(COMMANDS.values())
        return f"{command}: no such command{nearest(command, COMMANDS)}"

    def _save(self, name: str) -> str:
        if not name or not self.chat.turns:
            return "nothing was said yet" if name else COMMANDS["/save"]
        try:
            self.chat.save(Path(name), self.model.name)
        except OSError as error:
            return f"{name}: {error.strerror}; name another file"
        return f"saved in {name}"

    def _answer(self, said: str) -> None:
        pieces: list[str] = []
        try:
            self.wait(self._listen(said, pieces))
        except KeyboardInterrupt:
            _tell(self.aside, "\nbroken off")
        except (ModelError, ParseError) as error:
            advice = "; /reset begins anew" if isinstance(error, ParseError) else ""
            _tell(self.aside, f"\nno answer: {error}{advice}")
            return
        if pieces:
            self.screen.write("\n")
            self.screen.flush()
        if answer := "".join(pieces).strip():
            self.chat.add(said, answer)
        else:
            _tell(self.aside, "the answer is empty")

    async def _listen(self, said: str, pieces: list[str]) -> None:
        async for piece in self.model.stream(self.chat.request(said)):
            pieces.append(piece)
            self.screen.write(visible(piece))
            self.screen.flush()


def _lines(keyboard: TextIO, screen: TextIO, aside: TextIO) -> Iterator[str]:
    """What a person types, with the line editor on a terminal; else the lines as they come."""
    if not (keyboard.isatty() and screen.isatty()):
        yield from keyboard
        return
    import readline  # noqa: F401 - gives `input` its editing and history

    while True:
        try:
            yield input(PROMPT)
        except KeyboardInterrupt:
            _tell(aside, "\n/quit ends")
        except EOFError:
            _tell(aside, "")
            return


def _tell(aside: TextIO, text: str) -> None:
    aside.write(visible(text) + "\n")
    aside.flush()
