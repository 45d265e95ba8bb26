"""What a part is given to work with."""

import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import JsonValue

from openbezoar.deadline import NEVER, Deadline
from openbezoar.families.models import ChatModel, ModelSpec
from openbezoar.store import Artifact

if TYPE_CHECKING:
    from openbezoar.families.evaluations import Evaluation

AnyRow = TypeVar("AnyRow")
Numbers = dict[str, JsonValue]
"""What a stage has to say of itself, for its manifest."""
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
    kept: Path | None = None
    """A folder of the store for what other stages may use again; `shared` names it."""
    measured: dict[str, float] = field(default_factory=dict)
    """Seconds, speed and memory of the stage's work: what differs between equal runs."""
    deadline: Deadline = NEVER
    """When the stage must stop, at a place from which it can go on."""
    most: int | None = None
    """In a probe: make no more than so many rows, spread evenly over all there are."""

    def chosen(self, rows: "Sequence[AnyRow]") -> "Sequence[AnyRow]":
        """The rows to work on: all of them, but in a probe."""
        if self.most is None or len(rows) <= self.most:
            return rows
        return [rows[place * len(rows) // self.most] for place in range(self.most)]

    @property
    def shared(self) -> Path:
        """Where to keep what is worth more than one stage; without a store, the scratch."""
        return self.kept or self.scratch


def random_for(*key: object) -> random.Random:
    """A random stream that depends on the key alone, not on order, concurrency or restarts."""
    text = "\x1f".join(str(part) for part in key)
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))  # noqa: S311 - sampling, not cryptography
