"""LaMini-LM (arXiv 2304.14402): new instructions from three demonstrations, perhaps with topics."""

import random
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from openbezoar import prompts
from openbezoar.component import digest
from openbezoar.errors import DataError, ParseError
from openbezoar.families import (
    ChatModel,
    Draw,
    Expected,
    Length,
    Made,
    ModelSpec,
    Sampling,
    Scheme,
    answer_of,
    expect_shapes,
    random_for,
)
from openbezoar.ranges import ONE, Range, exactly
from openbezoar.records import CUT, Completion, Failure, Seed
from openbezoar.schemes.asking import Asking
from openbezoar.schemes.instructing import is_instruction
from openbezoar.schemes.likeness import is_copy, words
from openbezoar.schemes.listing import MARKERS, Item, read_array, read_marked
from openbezoar.schemes.quoting import CONTROL_TOKENS, defuse
from openbezoar.schemes.topics import topics_of

__all__ = ["Lamini"]

WIKIPEDIA_LICENCE = "CC-BY-SA-4.0"


class Lamini(Scheme):
    """Makes seeds without answers: many requests, each with demonstrations drawn from the seeds."""

    makes: ClassVar[str] = "seeds"
    rules: ClassVar[frozenset[str]] = frozenset(
        {
            "contains markers",
            "no letters",
            "too short",
            "too long",
            "copy of a demonstration",
            "copy of the request",
            "not an instruction",
            "repeated in the reply",
        }
    )

    kind: Literal["lamini"] = "lamini"
    sampling: Sampling = Sampling(temperature=0.8, max_tokens=1024)
    """How the teacher draws its lists."""
    requests: int = Field(default=100, ge=1)
    """How often the teacher is asked."""
    demonstrations: int = Field(default=3, ge=1)
    """Seed instructions shown in each request."""
    ask: int = Field(default=20, ge=1)
    """New instructions asked for in each request; fewer suit a small teacher."""
    guided: Literal["examples", "topics", "both"] = "both"
    """Whether requests name topics beside the demonstrations; `both` mixes them."""
    topic_share: float = Field(default=0.5, ge=0, le=1)
    """The share of requests that name topics when guided by both."""
    topics: str = "sample"
    """Where topics come from: sample, wikipedia, or a path to a file with one a line."""
    topics_each: int = Field(default=3, ge=1)
    """Topics named in a topic-guided request."""
    form: Literal["markers", "schema"] = "markers"
    """How the list is returned: between <example> labels, or as JSON held to a schema."""
    minimum_words: int = Field(default=3, ge=1)
    """Shorter instructions are dropped."""
    maximum_words: int = Field(default=200, ge=1)
    """Longer instructions are dropped; seeds longer than this are not shown either."""
    instructions_only: bool = True
    """Drop what neither asks nor commands, such as a statement or a title."""

    def evidence(self) -> JsonValue:
        """The prompt's wording and the topics, which the settings only name."""
        topics = None if self.guided == "examples" else digest(list(topics_of(self.topics)))
        return {"prompts": prompts.fingerprint(self._prompt), "topics": topics}

    def check_teacher(self, spec: ModelSpec) -> None:
        """A list held to a schema needs a teacher that can be held to one."""
        if self.form == "schema":
            expect_shapes(spec)

    def draws(self, seeds: Sequence[Seed], stream: random.Random) -> Iterator[Draw]:
        """Draw demonstrations and topics for each request, whatever the number of requests."""
        pool = self._showable(seeds)
        salt = stream.getrandbits(64)
        for number in range(self.requests):
            own = random_for(salt, number)
            shown = tuple(own.sample(pool, self.demonstrations))
            topics = self._topics(number, own)
            key: list[JsonValue] = [number, [seed.id for seed in shown], list(topics)]
            yield Draw(f"lamini-{digest(key)[:12]}", shown, {"topics": list(topics)})

    def expects_draws(self, seeds: Range | None) -> Range | None:
        """Its requests, however many seeds there are."""
        return exactly(self.requests)

    def expects(self, seed: Length) -> Expected:
        """A list, of which a small teacher's lines are mostly of no use."""
        shown = seed.asked * self.demonstrations
        return Expected(
            requests=ONE,
            tokens_in=shown + Range(low=80, likely=120, high=200),
            tokens_out=answer_of(self.sampling.max_tokens),
            rows=Range(low=0.1, likely=0.5, high=1) * self.ask,
        )

    async def make(self, draw: Draw, teacher: ChatModel, stream: random.Random) -> Made:
        """Ask once; every item of the reply becomes a seed or a failure with its reason."""
        asking = Asking(teacher, self.sampling, stream)
        completion = await asking.ask(self._request(draw), json_schema=self._json_schema)
        cut = completion.finish_reason in CUT
        items = (read_marked if self.form == "markers" else read_array)(completion.text, cut)
        if not items:
            raise ParseError("cut by the token limit" if cut else "empty answer")
        made = Made()
        for place, item in enumerate(self._judged(items, draw), start=1):
            if item.reason:
                made.failures.append(_failure(draw, place, item))
            else:
                made.rows.append(self._seed(draw, place, item.text, completion, teacher.name))
        return made

    def licences(self, shown: Sequence[Seed], guided: bool) -> tuple[str, ...]:
        """What bears on a row: its demonstrations' licences, and Wikipedia's for its topics."""
        licences = {licence for seed in shown for licence in seed.licences}
        if guided and self.topics == "wikipedia":
            licences.add(WIKIPEDIA_LICENCE)
        return tuple(sorted(licences))

    def _showable(self, seeds: Sequence[Seed]) -> list[Seed]:
        short = [seed for seed in seeds if len(seed.instruction.split()) <= self.maximum_words]
        alone = [seed for seed in short if not seed.context]
        pool = alone if len(alone) >= self.demonstrations else short
        if len(pool) < self.demonstrations:
            raise DataError(
                f"lamini shows {self.demonstrations} demonstrations of at most "
                f"{self.maximum_words} words, but only {len(pool)} seeds fit; add seeds"
            )
        return pool

    def _topics(self, number: int, own: random.Random) -> tuple[str, ...]:
        share = {"examples": 0.0, "topics": 1.0, "both": self.topic_share}[self.guided]
        if int((number + 1) * share + 1e-9) == int(number * share + 1e-9):
            return ()
        known = topics_of(self.topics)
        return tuple(own.sample(known, min(self.topics_each, len(known))))

    @property
    def _prompt(self) -> str:
        return f"lamini_{self.form}"

    def _request(self, draw: Draw) -> str:
        return prompts.render(
            self._prompt,
            demonstrations=[defuse(seed.instruction.strip(), MARKERS) for seed in draw.seeds],
            topics=", ".join(defuse(topic, MARKERS) for topic in draw.details["topics"]),
            ask=self.ask,
        )

    @property
    def _json_schema(self) -> dict[str, JsonValue] | None:
        if self.form == "markers":
            return None
        items: dict[str, JsonValue] = {"type": "array", "items": {"type": "string"}}
        return {
            "type": "object",
            "properties": {"instructions": {**items, "minItems": 1, "maxItems": self.ask}},
            "required": ["instructions"],
            "additionalProperties": False,
        }

    def _judged(self, items: list[Item], draw: Draw) -> Iterator[Item]:
        seen: set[str] = set()
        for item in items:
            reason = item.reason or self._fault(item.text, draw, seen)
            seen.add(" ".join(words(item.text)))
            yield Item(item.text, reason)

    def _fault(self, text: str, draw: Draw, seen: set[str]) -> str:
        if MARKERS.search(text) or CONTROL_TOKENS.search(text):
            return "contains markers"
        if not any(letter.isalpha() for letter in text):
            return "no letters"
        if len(text.split()) < self.minimum_words:
            return "too short"
        if len(text.split()) > self.maximum_words:
            return "too long"
        if any(is_copy(text, seed.instruction) for seed in draw.seeds):
            return "copy of a demonstration"
        if any(is_copy(text, line) for line in self._request(draw).splitlines()):
            return "copy of the request"
        if self.instructions_only and not is_instruction(text):
            return "not an instruction"
        return "repeated in the reply" if " ".join(words(text)) in seen else ""

    def _seed(
        self, draw: Draw, place: int, text: str, completion: Completion, teacher: str
    ) -> Seed:
        topics: list[JsonValue] = list(draw.details["topics"])
        guide = "with_topic" if topics else "without_topic"
        origins = "+".join(sorted({seed.origin for seed in draw.seeds if seed.origin}))
        return Seed(
            id=f"{draw.id}.{place}",
            parents=tuple(seed.id for seed in draw.seeds),
            origin=self.kind,
            licences=self.licences(draw.seeds, bool(topics)),
            instruction=text,
            details={
                "source": "_".join(filter(None, ("generated", origins, guide))),
                "topics": topics,
                "demonstrations": [seed.instruction for seed in draw.seeds],
                "scheme": self.kind,
                "teacher": teacher,
                "prompt_fingerprint": prompts.fingerprint(self._prompt),
                "attempt": 0,
                "finish_reason": completion.finish_reason,
            },
        )


def _failure(draw: Draw, place: int, item: Item) -> Failure:
    parents = tuple(seed.id for seed in draw.seeds)
    return Failure(
        id=f"{draw.id}.{place}", parents=parents, reason=item.reason, detail=item.text[:200]
    )
