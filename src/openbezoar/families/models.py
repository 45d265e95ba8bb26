"""What a model is asked, what answers, and how a recipe names it."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field, JsonValue, PositiveInt

from openbezoar.component import Component, science
from openbezoar.errors import ConfigError
from openbezoar.records import Completion, Message, Record


class Sampling(Component):
    """How a model draws its answer."""

    temperature: float = Field(default=0.7, ge=0, allow_inf_nan=False)
    """0 is greedy."""
    top_p: float = Field(default=0.95, gt=0, le=1, allow_inf_nan=False)
    """It draws from the likeliest tokens that together have this probability."""
    max_tokens: PositiveInt = 512
    """An answer is cut off at this length."""
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Texts at which an answer ends."""


class Request(Record):
    """One question to a model; two equal requests may be answered from the cache."""

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    json_schema: dict[str, JsonValue] | None = None
    """When given, the answer must be JSON of this schema."""
    seed: int = 0
    attempt: int = 0
    """Told apart from an earlier try at the same question, so that a retry is asked anew."""


class Piece(NamedTuple):
    """A part of an answer as it is written; the last one says why the answer ends."""

    text: str
    finish_reason: str = ""


class ChatModel(ABC):
    """Something that answers: teacher, judge and student alike."""

    name: str
    shapes: bool = True
    """Whether its answers can be held to a JSON schema."""

    @abstractmethod
    async def complete(self, request: Request) -> Completion:
        """Answer one request; ModelError when the model is gone, ParseError for this one alone."""

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        """The answer in pieces as they are written; in one piece where a model knows no other."""
        whole = await self.complete(request)
        yield Piece(whole.text, whole.finish_reason)

    async def count_tokens(self, text: str) -> int:
        """The tokens of a text by the model's own tokenizer, without any that begin or end it.

        Only a model whose spec `counts` can tell.
        """
        raise ConfigError(f"model {self.name!r} shows no tokenizer to count with")

    def send_through(self, connect: "Connect") -> None:
        """From now on send requests through what this opens; a model that sends none ignores it."""
        return


Connect = Callable[[], AbstractAsyncContextManager[ChatModel]]


class Scorer(ABC):
    """A model that can also say how likely it finds an answer."""

    @abstractmethod
    async def log_probabilities(
        self, messages: Sequence[Message], answer: str
    ) -> tuple[float, ...]:
        """The natural-log probability of each of the answer's tokens, EOS being the last."""


class ModelSpec(Component, ABC):
    """Names a model and says how to reach it."""

    scores: ClassVar[bool] = False
    """Whether the opened model is a Scorer too."""
    trains: ClassVar[bool] = False
    """Whether it names a checkpoint that training can start from."""
    shapes: ClassVar[bool] = True
    """Whether it takes requests for an answer that keeps to a JSON schema."""
    bills: ClassVar[bool] = False
    """Whether somebody may ask money for its answers."""

    licence: str = ""
    """Its licence as an SPDX identifier, where neither the catalog nor its own card states one."""

    @abstractmethod
    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        """Open the model for as long as the context lasts."""

    def connect_in(self, folder: Path | None) -> AbstractAsyncContextManager[ChatModel]:
        """Open the model, with a folder for what it must remember when this process ends."""
        return self.connect()

    @property
    @abstractmethod
    def label(self) -> str:
        """The model's name for rows, tables and cards."""

    @property
    def travels(self) -> bool:
        """Whether the workers of a cluster may each open it; the driver asks all others alone."""
        return False

    @property
    def counts(self) -> bool:
        """Whether the opened model can count a text's tokens by its own tokenizer."""
        return False

    def evidence(self) -> JsonValue:
        """What else, beyond the settings, determines the answers: the digest of local files."""
        return None

    def identity(self) -> JsonValue:
        """What an answer is kept under, beside its request: all that may change the answer."""
        return {"model": science(self), "evidence": self.evidence()}

    def sends_key(self) -> tuple[str, str] | None:
        """The environment variable whose key it sends, and the address it goes to."""
        return None

    def check_ready(self) -> None:
        """Raise ConfigError when a key, a file or a checkpoint that it needs is missing."""
        return

    def folder(self) -> Path:
        """The checkpoint's folder; ConfigError when the model is not one."""
        raise ConfigError(f"model {self.label}: only a checkpoint has weights to start from")


def expect_shapes(spec: ModelSpec) -> None:
    """Raise ConfigError when answers of this model cannot be held to a JSON schema."""
    if not spec.shapes:
        raise ConfigError(
            f"needs answers held to a JSON schema, which model {spec.label!r} cannot give; use one "
            "of kind llama_cpp, vllm or openai"
        )
