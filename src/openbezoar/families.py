"""The eight kinds of part and what they are given: the page to read before writing a new one."""

import hashlib
import random
from abc import ABC, abstractmethod
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from pydantic import JsonValue

from openbezoar.component import Component, science
from openbezoar.errors import ConfigError, ParseError
from openbezoar.records import (
    Completion,
    Failure,
    Grade,
    Message,
    Record,
    Row,
    Score,
    Seed,
    Verdict,
)
from openbezoar.store import Artifact

if TYPE_CHECKING:
    import torch

__all__ = [
    "PREFERENCES",
    "AskingFilter",
    "Bench",
    "ChatModel",
    "Check",
    "CheckMany",
    "Connect",
    "Draw",
    "Evaluation",
    "Filter",
    "Item",
    "Judge",
    "Made",
    "ModelSpec",
    "Numbers",
    "Objective",
    "Request",
    "Rows",
    "Run",
    "Sampling",
    "Scheme",
    "Scorer",
    "Source",
    "Stage",
    "Subject",
    "Work",
    "expect",
    "expect_shapes",
    "random_for",
]

Numbers = dict[str, JsonValue]


# What a model is asked, and what answers.


class Sampling(Component):
    """How a model draws its answer."""

    temperature: float = 0.7
    """0 is greedy."""
    top_p: float = 0.95
    max_tokens: int = 512
    stop: tuple[str, ...] = ()


class Request(Record):
    """One question to a model; two equal requests may be answered from the cache."""

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    json_schema: dict[str, JsonValue] | None = None
    """When given, the answer must be JSON of this schema."""
    seed: int = 0
    attempt: int = 0
    """Told apart from an earlier try at the same question, so that a retry is asked anew."""


class ChatModel(ABC):
    """Something that answers: teacher, judge and student alike."""

    name: str
    shapes: bool = True
    """Whether its answers can be held to a JSON schema."""

    @abstractmethod
    async def complete(self, request: Request) -> Completion:
        """Answer one request; ModelError when the model is gone, ParseError for this one alone."""

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer in pieces as they are written; in one piece where a model knows no other."""
        yield (await self.complete(request)).text

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


# What a part is given.

Run = Callable[[Any], Awaitable[Any]]
"""What comes of a row."""
Work = Callable[[Any, ChatModel], Awaitable[Any]]
"""What comes of a row, given its model; it must survive pickling, to be done elsewhere."""


@asynccontextmanager
async def here(name: str, model: ChatModel, work: Work) -> AsyncIterator[Run]:
    """Rows are at work in this process."""
    yield lambda row: work(row, model)


@dataclass(frozen=True)
class Bench:
    """What a stage works with: its inputs, its models, and a folder to write into."""

    stage: str
    seed: int
    folder: Path
    scratch: Path
    """Survives an interruption; removed when the stage is complete."""
    inputs: Mapping[str, Artifact]
    specs: Mapping[str, ModelSpec]
    open_model: Callable[[str], AbstractAsyncContextManager[ChatModel]]
    """Open a model of the recipe by name, behind the completion cache."""
    open_checkpoint: Callable[[Path, str], AbstractAsyncContextManager[ChatModel]]
    """Open a checkpoint folder, with its fingerprint for the cache, as a model that answers."""
    say: Callable[[str], None]
    """Tell the person who waits."""
    find: Callable[[str], Artifact]
    """The artifact with this fingerprint, upstream of the inputs."""
    usage: dict[str, float] = field(default_factory=dict)
    """Requests answered, tokens and money spent, filled by the models."""
    progress: Callable[[int, int, str], None] = field(default=lambda done, total, note: None)
    """Tell how many rows of how many are done, and what else there is to say of them."""
    spread: Callable[[str, ChatModel, Work], AbstractAsyncContextManager[Run]] = here
    """Put work to rows, given a model by name and as it was opened, here or on a cluster."""
    evaluations: "Sequence[Evaluation]" = ()
    """What the recipe's evaluate stages will measure with."""
    measured: dict[str, float] = field(default_factory=dict)
    """Seconds, speed and memory of the stage's work: what differs between equal runs."""


def random_for(*key: object) -> random.Random:
    """A random stream that depends on the key alone, not on order, concurrency or restarts."""
    text = "\x1f".join(str(part) for part in key)
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))  # noqa: S311 - sampling, not cryptography


# The eight kinds of part.


class Source(Component, ABC):
    """Where rows come from."""

    makes: ClassVar[str]
    """seeds, examples or preferences."""

    @abstractmethod
    def rows(self) -> Iterator[Row | tuple[str, dict[str, JsonValue]]]:
        """Yield rows, and (reason, raw row) for what is rejected."""

    def evidence(self) -> JsonValue:
        """The digest of the files read, so that other content is another artifact."""
        return None

    def audit(self) -> dict[str, JsonValue]:
        """What a look at the whole of its files found, for the numbers of the stage."""
        return {}

    def yields(self) -> str:
        """The kind of row; overridden where a setting decides."""
        return self.makes


@dataclass(frozen=True)
class Draw:
    """What one call of a scheme works on: some seeds and what was drawn for them."""

    id: str
    seeds: tuple[Seed, ...]
    details: dict[str, Any] = field(default_factory=dict)


@dataclass
class Made:
    """What one call of a scheme gave: rows, and what was dropped on the way with its reason."""

    rows: list[Row] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class Scheme(Component, ABC):
    """How seeds become examples, or new seeds, with the help of a teacher."""

    makes: ClassVar[str] = "examples"
    rules: ClassVar[frozenset[str]] = frozenset()
    """The reasons for which it refuses what was well-formed; any other means an unusable reply."""

    def draws(self, seeds: Sequence[Seed], stream: random.Random) -> Iterable[Draw]:
        """Divide the seeds into calls; one seed a call unless the scheme says otherwise."""
        return (Draw(seed.id, (seed,)) for seed in seeds)

    @abstractmethod
    async def make(self, draw: Draw, teacher: ChatModel, stream: random.Random) -> Made:
        """Make the rows of one draw; ParseError when nothing came of it."""

    def check_teacher(self, spec: ModelSpec) -> None:
        """Raise ConfigError when this teacher cannot do what will be asked of it."""
        return

    def evidence(self) -> JsonValue:
        """What else determines the rows: its prompts' fingerprints, the digests of its files."""
        return None


class Judge(Component, ABC):
    """Grades an answer, or says that it cannot."""

    kind: str
    model: str
    """The recipe's name of the model that judges."""

    @abstractmethod
    async def grade(self, row: Any, model: ChatModel) -> Grade:
        """Grade one example; a Grade without status when the reply is unreadable."""

    def check_model(self, spec: ModelSpec) -> None:
        """Raise ConfigError when this model cannot do what will be asked of it."""
        return

    def evidence(self) -> JsonValue:
        """What else determines the grades: its prompts' fingerprints."""
        return None


Check = Callable[[Any], Verdict]
CheckMany = Callable[[Sequence[Any]], list[Verdict]]
"""The verdicts on some neighbouring rows, in their order."""


class Filter(Component, ABC):
    """Keeps or drops a row, with a reason."""

    kind: str

    def check(self, row: Any) -> Verdict:
        """Decide on one row alone; a filter that remembers rows overrides `open` instead."""
        raise NotImplementedError(f"filter {self.kind} has neither check nor open")

    @contextmanager
    def open(self, bench: Bench, numbers: Numbers) -> Iterator[Check]:
        """Give the check for the rows of a stage, which is called once a row, in their order.

        What a filter must remember is bytes and numbers, never rows: a stage streams millions.
        Figures of its own go into `numbers`, under its kind, once the rows are through.
        """
        yield self.check

    @contextmanager
    def open_for_many(self, bench: Bench, numbers: Numbers) -> Iterator[CheckMany]:
        """What a stage asks for; overridden instead of `open` where rows together take less time.

        Each row gets the verdict that it would get alone.
        """
        with self.open(bench, numbers) as check:

            def checked(row: Any) -> Verdict:
                try:
                    return check(row)
                except ParseError as error:
                    return self.unchecked(error)

            yield lambda rows: [checked(row) for row in rows]

    def uses(self) -> tuple[str, ...]:
        """The models it needs, by name."""
        return ()

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError when a model it uses cannot do what is asked of it."""
        return

    def evidence(self) -> JsonValue:
        """What else determines its verdicts: its judge's prompts, the digests of its files."""
        return None

    def heeds(self, evaluations: "Sequence[Evaluation]") -> dict[str, JsonValue] | None:
        """What of the recipe's evaluations determines its verdicts; None where nothing does."""
        return None

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError when a file it needs is missing or no longer fits; asked by a run."""
        return

    def warnings(self) -> list[str]:
        """What a person should know before trusting the rows it keeps."""
        return []

    def keep(self) -> Verdict:
        """The verdict that keeps a row."""
        return _kept(self.kind)

    def drop(self, reason: str, **details: JsonValue) -> Verdict:
        """The verdict that drops a row for this reason, and what explains it in this very row."""
        return Verdict(filter=self.kind, keep=False, reason=reason, details=details)

    def unchecked(self, error: ParseError | None) -> Verdict:
        """The verdict on a row that it could not read or ask about."""
        assert error is not None  # noqa: S101 - a row without a verdict has failed
        return self.drop(f"could not be checked ({error.reason})", detail=error.detail)


@cache
def _kept(kind: str) -> Verdict:
    return Verdict(filter=kind, keep=True)


class Rows(Protocol):
    """Rows that can be counted and read again and again, without all being held in memory."""

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[Any]:
        """Read them from the first on."""


class AskingFilter(Filter, ABC):
    """A filter that asks a model about each row, some rows at a time."""

    @abstractmethod
    def ask(
        self, bench: Bench, rows: Rows, numbers: Numbers
    ) -> AbstractAsyncContextManager[Callable[[Any], Awaitable[Verdict]]]:
        """Give the coroutine that decides on one row; `rows` are those it will be asked about."""


class Objective(Component, ABC):
    """What training minimises, as a pure function of the answers' log-probabilities."""

    reads: ClassVar[frozenset[str]]
    """The kinds of row it learns from."""
    reference: ClassVar[bool] = False
    """Whether it compares with a reference: the model with its new adapter switched off."""

    @abstractmethod
    def encode(self, row: Any, format_: Any, limit: int) -> tuple[Any, ...]:
        """The row's token sequences, each at most `limit` long; ParseError with a reason."""

    @abstractmethod
    def weight(self, tokens: Sequence[int]) -> int:
        """What a row counts in an optimiser step's mean, given its sequences' answer tokens."""

    @abstractmethod
    def loss(
        self, policy: "torch.Tensor", reference: "torch.Tensor | None", tokens: "torch.Tensor"
    ) -> "tuple[torch.Tensor, dict[str, torch.Tensor]]":
        """The summed loss of some rows, and sums to report beside it.

        `policy` and `reference` are summed log-probabilities, float32 of shape (rows, sequences);
        `tokens` has the same shape and counts the answer tokens.
        """

    def first_loss(self) -> float | None:
        """The mean loss of rows on which policy and reference agree, as all do at the start."""
        return None


@dataclass(frozen=True)
class Subject:
    """The model under evaluation."""

    name: str
    path: Path
    """A folder with weights, tokenizer and chat template, or a checkpoint's name."""
    fingerprint: str


PREFERENCES = ("preferences", "preferences data set")
"""What a stage of preference pairs makes."""


class Item(NamedTuple):
    """One question of a benchmark, as far as its words go."""

    benchmark: str
    """Such as the name of a task."""
    id: str
    """As the evaluation's own records name it."""
    texts: tuple[str, ...]
    """The passage, the premise, the question: each would give the item away on its own."""
    answer: str = ""
    """The right answer, where it is words and not a label."""
    choices: tuple[str, ...] = ()


class Evaluation(Component, ABC):
    """Measures a model."""

    kind: str

    @abstractmethod
    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """Measure the model; further records go to `items.jsonl` and `transcripts.jsonl`."""

    def reads(self) -> tuple[str, ...]:
        """The stages whose rows it measures on, by name."""
        return ()

    def check_reads(self, kinds: Mapping[str, str]) -> None:
        """Raise ConfigError when a name it reads holds what it cannot measure on."""
        for name in self.reads():
            expect(name, kinds, "examples", "examples data set", *PREFERENCES)

    def uses(self) -> tuple[str, ...]:
        """The models it needs beside the one measured, by name."""
        return ()

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError when a model it uses cannot do what will be asked of it."""
        return

    def check_ready(self) -> None:
        """Raise MissingExtra when what it needs is not installed."""
        return

    def evidence(self) -> JsonValue:
        """What else determines the scores: the digests of its files, its prompts' fingerprints."""
        return None

    def benchmarks(self) -> dict[str, JsonValue]:
        """The benchmarks it puts to a model, each with what determines its items.

        None for an evaluation on the recipe's own held-out rows, which `mix` keeps apart from the
        rows to train on: looked for among the rows they come from, all of them would be found.
        """
        return {}

    def items(self) -> Iterator[Item]:
        """Every item of its benchmarks, so that they can be kept out of the rows to train on."""
        return iter(())


class Stage(Component, ABC):
    """Upstream artifacts in, one artifact out."""

    kind: str
    version: ClassVar[int] = 1
    """Raised by hand when the meaning of the stage changes."""

    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """The names it refers to: stages above it, or checkpoints among the models."""

    def uses(self) -> tuple[str, ...]:
        """The models that must answer while it runs, by name."""
        return ()

    @abstractmethod
    def makes(self, kinds: Mapping[str, str]) -> str:
        """What it makes, given what each name it reads holds; ConfigError when they do not fit."""

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError when a model it uses cannot do what is asked of it."""

    def settled(self, name: str, stages: "Mapping[str, Stage]") -> "Stage":
        """Itself, of this name, with what the other stages decide where its settings do not."""
        return self

    def check_stages(self, stages: "Mapping[str, Stage]") -> None:
        """Raise ConfigError when the settings of a stage it reads do not go with its own."""
        return

    def evidence(self) -> JsonValue:
        """What else determines the artifact, such as the digest of a file it reads."""
        return None

    def measures(self) -> "Sequence[Evaluation]":
        """The evaluations it runs."""
        return ()

    def heeds(self, evaluations: "Sequence[Evaluation]") -> dict[str, JsonValue] | None:
        """What of the recipe's evaluations determines the artifact; None where nothing does."""
        return None

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError or MissingExtra when it could not run here as things are.

        `plan` says so, `run` stops.
        """
        return

    def teachers(self) -> tuple[str, ...]:
        """The models that write the rows it makes, by name."""
        return ()

    def warnings(
        self, teachers: Mapping[str, ModelSpec], specs: Mapping[str, ModelSpec]
    ) -> list[str]:
        """What a person should know before trusting it; `teachers` are those of stages above."""
        return []

    def notes(
        self, name: str, artifacts: Sequence[Artifact], specs: Mapping[str, ModelSpec]
    ) -> list[str]:
        """What a plan says of the stage of this name, given what the store holds."""
        return []

    @abstractmethod
    def make(self, bench: Bench) -> Numbers:
        """Write the artifact's files into the bench's folder and return its numbers."""


def expect(name: str, kinds: Mapping[str, str], *wanted: str) -> str:
    """What the name holds, when that is among the wanted; ConfigError otherwise."""
    held = kinds[name]
    if held not in wanted:
        raise ConfigError(f"reads {name!r}, which holds {held}; it needs {' or '.join(wanted)}")
    return held


def expect_shapes(spec: ModelSpec) -> None:
    """Raise ConfigError when answers of this model cannot be held to a JSON schema."""
    if not spec.shapes:
        raise ConfigError(
            f"needs answers held to a JSON schema, which model {spec.label!r} cannot give; use one "
            "of kind llama_cpp, vllm or openai"
        )
