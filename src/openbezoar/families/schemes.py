"""A scheme: how seeds become examples, or new seeds, with the help of a teacher."""

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import JsonValue

from openbezoar.component import Component
from openbezoar.families.expected import Expected, Length, answer_of
from openbezoar.families.models import ChatModel, ModelSpec, Sampling
from openbezoar.ranges import ONE, Range
from openbezoar.records import Failure, Row, Seed


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

    def expects_draws(self, seeds: Range | None) -> Range | None:
        """About how many calls so many seeds give; None where nobody knows."""
        return seeds

    def expects(self, seed: Length) -> Expected:
        """About what one call asks and gives, for seeds of this length."""
        sampling = getattr(self, "sampling", Sampling())
        return Expected(
            requests=ONE,
            tokens_in=seed.asked + Range(low=10, likely=40, high=200),
            tokens_out=answer_of(sampling.max_tokens),
            rows=Range(low=0.3, likely=0.85, high=1),
        )

    def check_teacher(self, spec: ModelSpec) -> None:
        """Raise ConfigError when this teacher cannot do what will be asked of it."""
        return

    def evidence(self) -> JsonValue:
        """What else determines the rows: its prompts' fingerprints, the digests of its files."""
        return None
