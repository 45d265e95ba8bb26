"""How often a model declines what any model should answer, before and after a training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field, JsonValue, PositiveInt

import openbezoar
from openbezoar import files, jsonl
from openbezoar.component import Runtime
from openbezoar.driver import over_rows, wait_for
from openbezoar.errors import ConfigError, ModelError, ParseError
from openbezoar.evaluations import journal
from openbezoar.evaluations.held_out import held_out, spread
from openbezoar.evaluations.pooled import never_negative, on_scale
from openbezoar.families import (
    PREFERENCES,
    Bench,
    Evaluation,
    Expected,
    Flow,
    Reading,
    Request,
    Sampling,
    Subject,
    answer_of,
    expect,
    tokens_of,
)
from openbezoar.plurals import counted
from openbezoar.ranges import Range, exactly
from openbezoar.records import Completion, Message, Preference, Score
from openbezoar.refusing import refusal
from openbezoar.statistics import Estimate, mean, share

__all__ = ["Refusals", "RefusalsRuntime"]

SAMPLE = Path(openbezoar.__file__).parent / "sources" / "rows" / "instructions.jsonl"
"""Our own instructions, all of them harmless."""


class RefusalsRuntime(Runtime):
    """Logistics."""

    concurrency: PositiveInt = 8
    """Prompts at work at a time."""


class Prompt(NamedTuple):
    """What is asked."""

    id: str
    messages: tuple[Message, ...]


class Answered(NamedTuple):
    """What a model made of a prompt."""

    prompt: Prompt
    completion: Completion
    reason: str
    """The kind of refusal, empty where there is none."""


class Refusals(Evaluation):
    """The share of harmless prompts whose answer opens with a refusal, an apology or machine talk.

    Training on harmless-base teaches evasion. Beside the share stand the length of the answers and
    how many of them end by themselves, which preference training also spoils. Greedy decoding.
    """

    kind: Literal["refusals"] = "refusals"
    data: str | None = None
    """A stage whose prompts are asked, harmless ones; without it the 96 instructions that ship."""
    limit: PositiveInt | None = None
    """At most so many prompts, spread evenly."""
    before: str | None = None
    """The stage or checkpoint that the training started from; then also the rise of the share."""
    most_rise: float | None = Field(default=None, ge=0, le=1)
    """With a `before`: the stage fails when the share rises by more than this."""
    answer_tokens: PositiveInt = 256
    """The longest answer."""
    runtime: RefusalsRuntime = RefusalsRuntime()

    def reads(self) -> tuple[str, ...]:
        """The stage of the prompts, and the model before."""
        return tuple(name for name in (self.data, self.before) if name is not None)

    def check_reads(self, kinds: Mapping[str, str]) -> None:
        """The data must hold prompts; what was before is a model."""
        if self.most_rise is not None and self.before is None:
            raise ConfigError("refusals: most_rise needs `before`, the model to compare with")
        if self.data is not None:
            expect(self.data, kinds, "examples", "examples data set", *PREFERENCES)
        if self.before is not None:
            expect(self.before, kinds, "checkpoint", "model")

    def evidence(self) -> JsonValue:
        """The digest of the instructions that ship."""
        return files.digest(SAMPLE) if self.data is None else None

    def expects(self, flows: Mapping[str, Flow]) -> Reading:
        """An answer to each prompt, from each of the models."""
        if self.data is not None:
            rows, length = flows[self.data].held_out, flows[self.data].length
            if rows is None or length is None:
                return Reading(rows=None, tokens=None)
            count, asked = rows if self.limit is None else rows.at_most(self.limit), length.asked
        else:
            shipped = spread([_shipped(raw) for _, raw in jsonl.read_objects(SAMPLE)], self.limit)
            count = exactly(len(shipped))
            texts = sum(tokens_of(one.messages[0].content) for one in shipped)
            asked = Range(low=0.7, likely=1, high=1.4) * (texts / len(shipped))
        each = Expected(exactly(1), asked + exactly(25), answer_of(self.answer_tokens))
        models = 1 if self.before is None else 2
        return Reading({"": each.times(count * models)})

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """The share, the length and the ends of the answers; one item and transcript a prompt."""
        prompts = self._prompts(bench)
        after = wait_for(self._answers(prompts, subject, bench))
        scores = self._scores("refusals", after, len(prompts))
        if self.before is not None:
            earlier = wait_for(self._answers(prompts, self._earlier(bench), bench))
            scores += self._scores("refusals.before", earlier, len(prompts))
            scores.append(self._rise(earlier, after, len(prompts)))
        settings: dict[str, JsonValue] = {
            "rows": bench.inputs[self.data].manifest.fingerprint if self.data else self.evidence(),
            "limit": self.limit,
            "answer_tokens": self.answer_tokens,
        }
        return [score.model_copy(update={"settings": settings}) for score in scores]

    def _prompts(self, bench: Bench) -> list[Prompt]:
        if self.data is None:
            lines = [raw for _, raw in jsonl.read_objects(SAMPLE)]
            return [_shipped(raw) for raw in spread(lines, self.limit)]
        rows = held_out(self.data, bench.inputs[self.data], self.limit)
        return [
            Prompt(row.id, row.prompt if isinstance(row, Preference) else row.messages[:-1])
            for row in rows
        ]

    def _earlier(self, bench: Bench) -> Subject:
        name = self.before or ""
        if name in bench.inputs:
            artifact = bench.inputs[name]
            return Subject(name, artifact.folder / "model", artifact.manifest.fingerprint)
        spec = bench.specs[name]
        return Subject(name, spec.folder(), f"{spec.label} {spec.evidence()}")

    async def _answers(
        self, prompts: Sequence[Prompt], subject: Subject, bench: Bench
    ) -> list[Answered]:
        """Every prompt that got an answer; the records of all of them are written."""
        bench.say(f"{subject.name} answers {counted(len(prompts), 'harmless prompt')}")
        sampling = Sampling(temperature=0, top_p=1, max_tokens=self.answer_tokens)
        async with bench.open_checkpoint(subject.path, subject.fingerprint) as model:

            async def work(prompt: Prompt) -> Answered:
                request = Request(messages=prompt.messages, sampling=sampling, seed=bench.seed)
                completion = await model.complete(request)
                return Answered(prompt, completion, refusal(completion.text))

            outcomes = [one async for one in over_rows(prompts, work, self.runtime.concurrency)]
        found = [one.result for one in outcomes if one.result is not None]
        items = [self._item(one.row, one.result, one.error, subject.name) for one in outcomes]
        journal.append(bench.folder / journal.ITEMS, items)
        records = (_transcript(one, subject.name) for one in found)
        journal.append(bench.folder / journal.TRANSCRIPTS, records)
        return found

    def _item(
        self, prompt: Prompt, found: Answered | None, error: ParseError | None, model: str
    ) -> dict[str, JsonValue]:
        item: dict[str, JsonValue] = {"evaluation": self.kind, "id": prompt.id, "model": model}
        if found is None:
            return {**item, "missing": str(error)}
        ends = found.completion.finish_reason
        tokens = found.completion.tokens_out
        return {**item, "refusal": found.reason, "tokens": tokens, "finish_reason": ends}

    def _scores(self, name: str, found: list[Answered], asked: int) -> list[Score]:
        declined = share(sum(bool(one.reason) for one in found), len(found))
        stopped = share(sum(_stopped(one) for one in found), len(found))
        counts = [one.completion.tokens_out for one in found]
        tokens = never_negative(mean([float(count) for count in counts if count is not None]))
        missing = asked - len(found)
        return [
            _score(name, declined, missing, higher_is_better=False),
            _score(f"{name}.tokens", tokens, missing, None, "an answer's mean length"),
            _score(f"{name}.stopped", stopped, missing, note="answers that ended by themselves"),
        ]

    def _rise(self, before: list[Answered], after: list[Answered], asked: int) -> Score:
        earlier = {one.prompt.id: bool(one.reason) for one in before}
        both = [one for one in after if one.prompt.id in earlier]
        rises = [float(bool(one.reason) - earlier[one.prompt.id]) for one in both]
        found = on_scale(mean(rises), -1, 1)
        if self.most_rise is not None and (found.value or 0) > self.most_rise:
            raise ModelError(
                f"refusals of harmless prompts rose by {found.value:.0%} from {self.before}, over "
                f"most_rise {self.most_rise:.0%}: train less on harmless-base, or raise most_rise"
            )
        note = f"since {self.before}, prompt by prompt"
        return _score("refusals.rise", found, asked - len(both), higher_is_better=False, note=note)


def _shipped(raw: dict[str, str]) -> Prompt:
    text = "\n\n".join(part for part in (raw["instruction"], raw["context"]) if part)
    return Prompt(raw["id"], (Message(role="user", content=text),))


def _stopped(one: Answered) -> bool:
    return one.completion.finish_reason == "stop"


def _transcript(one: Answered, model: str) -> dict[str, JsonValue]:
    return {
        "evaluation": "refusals", "id": one.prompt.id, "model": model,
        "messages": [message.model_dump(mode="json") for message in one.prompt.messages],
        "answer": one.completion.text,
    }  # fmt: skip


def _score(
    name: str, found: Estimate, missing: int, higher_is_better: bool | None = True, note: str = ""
) -> Score:
    is_known = found.value is not None
    return Score(
        name=name, value=found.value, n=found.n, missing=missing,
        standard_error=found.standard_error, low=found.low if is_known else None,
        high=found.high if is_known else None, higher_is_better=higher_is_better, note=note,
    )  # fmt: skip
