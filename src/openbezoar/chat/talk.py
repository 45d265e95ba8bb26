"""The conversation itself: lines from a keyboard or a pipe, answers as they are written."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from openbezoar.chat.partner import Chat, Partner
from openbezoar.component import nearest
from openbezoar.driver import waiting
from openbezoar.errors import ModelError, ParseError
from openbezoar.families import ChatModel, Piece
from openbezoar.records import CUT, PARTIAL
from openbezoar.shelf import visible

__all__ = ["talk"]

PROMPT = "> "
INTERRUPTED = "interrupted"
"""The finish reason of an answer that the person ended."""
COMMANDS = {
    "/system": "/system TEXT begins anew under this system message, /system alone shows it",
    "/reset": "/reset forgets what was said",
    "/save": "/save FILE adds the conversation to a file",
    "/help": "/help lists the commands",
    "/quit": "/quit ends",
}


def talk(partner: Partner, chat: Chat, keyboard: TextIO, screen: TextIO, aside: TextIO) -> None:
    """Talk until `/quit` or the end of the lines; answers go to `screen`, all else to `aside`."""
    partner.spec.check_ready()
    _tell(aside, f"{partner.name}: /help lists the commands; Ctrl-C ends an answer")
    with waiting() as wait:
        stack = AsyncExitStack()
        try:
            model = wait(stack.enter_async_context(partner.spec.connect()))
            _Talk(model, partner.name, chat, screen, aside, wait).over(
                _lines(keyboard, screen, aside)
            )
        finally:
            wait(stack.aclose())


@dataclass
class _Talk:
    model: ChatModel
    name: str
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
                return self._system(rest)
            case "/reset":
                self.chat.begin(self.chat.system)
                return "forgotten"
            case "/save":
                return self._save(rest)
            case "/help":
                return "\n".join(COMMANDS.values())
        return f"{command}: no such command{nearest(command, COMMANDS)}"

    def _system(self, text: str) -> str:
        """A row has one system message, for all of its turns: another one begins another row."""
        anew = "; what was said is forgotten" if text and self.chat.turns else ""
        if text:
            self.chat.begin(text)
        return f"system: {self.chat.system or 'of the model'}{anew}"

    def _save(self, name: str) -> str:
        if not name or not self.chat.turns:
            return "nothing was said yet" if name else COMMANDS["/save"]
        try:
            self.chat.save(Path(name), self.name)
        except OSError as error:
            return f"{name}: {error.strerror}; name another file"
        partial = self.chat.finish_reason in PARTIAL
        why = "; an answer in it is not whole, so that the source jsonl will reject it"
        return f"saved in {name}{why if partial else ''}"

    def _answer(self, said: str) -> None:
        pieces: list[Piece] = []
        try:
            self.wait(self._listen(said, pieces))
        except KeyboardInterrupt:
            _tell(self.aside, "\nbroken off")
            pieces.append(Piece("", INTERRUPTED))
        except (ModelError, ParseError) as error:
            advice = "; /reset begins anew" if isinstance(error, ParseError) else ""
            _tell(self.aside, f"\nno answer: {error}{advice}")
            return
        answer = "".join(piece.text for piece in pieces)
        if answer:
            self.screen.write("\n")
            self.screen.flush()
        if answer.strip():
            self._remember(said, answer.strip(), pieces[-1].finish_reason)
        else:
            _tell(self.aside, "the answer is empty")

    def _remember(self, said: str, answer: str, finish_reason: str) -> None:
        self.chat.add(said, answer, finish_reason)
        if finish_reason in CUT:
            most = self.chat.sampling.max_tokens
            _tell(self.aside, f"cut off at {most} tokens; --max-tokens {2 * most} allows more")

    async def _listen(self, said: str, pieces: list[Piece]) -> None:
        async for piece in self.model.stream(self.chat.request(said)):
            pieces.append(piece)
            self.screen.write(visible(piece.text))
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
