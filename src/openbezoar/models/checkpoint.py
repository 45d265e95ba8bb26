"""A loaded checkpoint: it answers in batches, and says how likely it finds an answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any, NamedTuple

from openbezoar.errors import ConfigError, ModelError, ParseError
from openbezoar.families import ChatModel, Piece, Request, Scorer
from openbezoar.models.drawing import drawing, halting, stopping
from openbezoar.models.gathering import Gathered
from openbezoar.records import Completion, Message

__all__ = ["Candidate", "Checkpoint", "Rendered"]

DIGITS = 5
"""Decimals of a log-probability; what comes after them is the noise of the arithmetic."""


class Rendered(NamedTuple):
    """A prompt in tokens, and what is to be done with it."""

    prompt: list[int]
    request: Request


class Candidate(NamedTuple):
    """A prompt and an answer in tokens."""

    prompt: list[int]
    answer: list[int]


class Checkpoint(ChatModel, Scorer):
    """A model and its tokenizer; on a GPU `batch` requests are scored together."""

    shapes = False

    def __init__(self, name: str, model: Any, tokenizer: Any, batch: int) -> None:
        self.name = name
        self._model = model
        self._tokenizer = tokenizer
        self._ends = _ends(model, tokenizer)
        self._end = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else self._ends[0]
        self._pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else self._end
        self._room = getattr(model.config, "max_position_embeddings", None) or 2**31
        # One at a time on a CPU: as fast, and a score never depends on who else was waiting.
        together = 1 if model.device.type == "cpu" else batch
        self._answers: Gathered[Rendered, Completion] = Gathered(
            self._generate, batch, lambda work: work.request.sampling
        )
        self._scores: Gathered[Candidate, tuple[float, ...]] = Gathered(
            self._score, together, lambda _: None
        )

    async def complete(self, request: Request) -> Completion:
        """Answer together with the requests that wait; the draw depends on the own seed alone."""
        if request.json_schema is not None:
            raise ConfigError(
                f"{self.name}: a model of kind transformers cannot be held to a JSON schema; "
                "use one of kind llama_cpp or openai"
            )
        prompt = self._prompt(request.messages)
        self._check_room(len(prompt) + request.sampling.max_tokens)
        return await self._answers.ask(Rendered(prompt, request))

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        """The answer in pieces, as it is drawn, with no other request beside it."""
        from transformers import AsyncTextIteratorStreamer

        prompt = self._prompt(request.messages)
        self._check_room(len(prompt) + request.sampling.max_tokens)
        pieces = AsyncTextIteratorStreamer(
            self._tokenizer, skip_prompt=True, skip_special_tokens=True
        )
        halted = Event()
        work = [Rendered(prompt, request)]
        writing = asyncio.create_task(asyncio.to_thread(self._generate, work, pieces, halted))
        writing.add_done_callback(lambda _: pieces.end())  # an error must not leave us waiting
        try:
            async for piece in pieces:
                yield Piece(piece)
            [completion] = await writing
            yield Piece("", completion.finish_reason)
        finally:
            halted.set()

    async def count_tokens(self, text: str) -> int:
        """The tokens by the checkpoint's tokenizer."""
        return len(self._tokens(text))

    async def log_probabilities(
        self, messages: Sequence[Message], answer: str
    ) -> tuple[float, ...]:
        """The log-probability of each of the answer's tokens after the prompt, EOS the last.

        Without messages the answer follows the template's bare assistant header.
        """
        tokens = [*self._tokens(answer), self._end]
        candidate = Candidate(self._prompt(messages) if messages else self._header(), tokens)
        self._check_room(len(candidate.prompt) + len(tokens))
        return await self._scores.ask(candidate)

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        return self._tokens(self._render(messages, opened=True))

    def _header(self) -> list[int]:
        asked = [Message(role="user", content="?")]
        closed, opened = self._render(asked, opened=False), self._render(asked, opened=True)
        header = self._tokens(opened.removeprefix(closed))
        return header or [self._tokenizer.bos_token_id or self._end]

    def _render(self, messages: Sequence[Message], opened: bool) -> str:
        from jinja2 import TemplateError

        turns = [message.model_dump() for message in messages]
        try:
            text: str = self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=opened
            )
        except TemplateError as error:
            raise ParseError("refused by the chat template", str(error)) from None
        return text

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False).input_ids
        return ids

    def _check_room(self, tokens: int) -> None:
        if tokens > self._room:
            raise ParseError(
                "too long for the model", f"{tokens} tokens with the answer, room for {self._room}"
            )

    def _generate(
        self, batch: Sequence[Rendered], pieces: Any = None, halted: Event | None = None
    ) -> list[Completion]:
        import torch

        sampling = batch[0].request.sampling
        ids, mask = self._padded([work.prompt for work in batch])
        ends = stopping(sampling.stop, self._tokenizer, ids.shape[1])
        ends += [halting(halted)] if halted else []
        with torch.inference_mode(), _memory_explained(self.name):
            out = self._model.generate(
                input_ids=ids,
                attention_mask=mask,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                max_new_tokens=sampling.max_tokens,
                eos_token_id=self._ends,
                pad_token_id=self._pad,
                stopping_criteria=ends,
                streamer=pieces,
                logits_processor=drawing([work.request for work in batch], ids.device),
            )
        rows = out[:, ids.shape[1] :].tolist()
        return [self._completion(row, work) for row, work in zip(rows, batch, strict=True)]

    def _completion(self, row: list[int], work: Rendered) -> Completion:
        end = next((place for place, token in enumerate(row) if token in self._ends), None)
        text = self._tokenizer.decode(row[:end], skip_special_tokens=True)
        cuts = [text.find(stop) for stop in work.request.sampling.stop if stop in text]
        # Rows that met a stop string before the others are filled up with padding.
        used = len([token for token in row if token != self._pad]) if cuts else len(row)
        return Completion(
            text=text[: min(cuts)] if cuts else text,
            finish_reason="stop" if cuts or end is not None else "length",
            tokens_in=len(work.prompt),
            tokens_out=used if end is None else end + 1,
            model=self.name,
        )

    def _score(self, batch: Sequence[Candidate]) -> list[tuple[float, ...]]:
        import torch

        ids, mask = self._padded([work.prompt + work.answer for work in batch])
        places = (mask.cumsum(-1) - 1).clamp(min=0)
        longest = max(len(work.answer) for work in batch)
        scores = []
        with torch.inference_mode(), _memory_explained(self.name):
            # Rows end together, so that the last positions hold every answer and little else.
            logits = self._model(
                input_ids=ids, attention_mask=mask, position_ids=places, logits_to_keep=longest + 1
            ).logits
            for row, work in zip(logits, batch, strict=True):
                wanted = torch.tensor(work.answer, device=row.device)
                likely = row[-len(wanted) - 1 : -1].float().log_softmax(-1)
                each = likely.gather(-1, wanted[:, None])[:, 0].tolist()
                scores.append(tuple(round(value, DIGITS) for value in each))
        return scores

    def _padded(self, rows: Sequence[list[int]]) -> tuple[Any, Any]:
        import torch

        longest = max(map(len, rows))
        gaps = [longest - len(row) for row in rows]
        ids = [[self._pad] * gap + row for gap, row in zip(gaps, rows, strict=True)]
        mask = [[0] * gap + [1] * (longest - gap) for gap in gaps]
        device = self._model.device
        return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _ends(model: Any, tokenizer: Any) -> list[int]:
    told = model.generation_config.eos_token_id
    ends = {*(told if isinstance(told, list) else [told]), tokenizer.eos_token_id} - {None}
    if not ends:
        raise ConfigError(
            "the checkpoint names no end-of-text token; set eos_token in its tokenizer"
        )
    return sorted(ends)


@contextmanager
def _memory_explained(name: str) -> Iterator[None]:
    import torch

    try:
        yield
    except torch.OutOfMemoryError:
        raise ModelError(
            f"model {name!r}: the device's memory is full; lower `runtime.batch`"
        ) from None
