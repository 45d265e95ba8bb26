"""Evol-Instruct (WizardLM, arXiv 2304.12244) in the authors' order: evolve, answer, eliminate."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from openbezoar import prompts
from openbezoar.errors import ConfigError, ParseError
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
    random_for,
)
from openbezoar.ranges import NOTHING, ONE, Range, exactly
from openbezoar.records import Completion, Example, Failure, Message, Seed
from openbezoar.schemes import elimination
from openbezoar.schemes.asking import Asking
from openbezoar.schemes.evolving import (
    IN_DEPTH,
    MARKERS,
    TAGS,
    Step,
    draw_for_pool,
    draw_for_row,
    first_bytes,
    first_tokens,
    read_evolved,
)
from openbezoar.schemes.likeness import words
from openbezoar.schemes.quoting import defuse

__all__ = ["EvolInstruct"]

PROMPTS = ("evol_in_depth", "evol_in_breadth", "evol_equality")
VERDICT_TOKENS = 60
"""Enough for the verdict, which may be read from a cut reply too."""


class EvolInstruct(Scheme):
    """Evolves each seed over some epochs; an evolution that fails leaves its parent to the next."""

    rules: ClassVar[frozenset[str]] = elimination.RULES

    kind: Literal["evol_instruct"] = "evol_instruct"
    sampling: Sampling = Sampling(temperature=0.8, max_tokens=1024)
    """How the teacher draws evolved prompts, answers and verdicts."""
    epochs: int = Field(default=1, ge=1)
    """How often each seed is evolved."""
    epochs_of: dict[str, int] = {}
    """Other numbers of epochs, by category."""
    draw: Literal["pool", "row"] = "pool"
    """One strategy for each category and epoch (the authors), or one for each row (WizardLM)."""
    max_seed_tokens: int = Field(default=1024, ge=1)
    """Longer seeds are cut."""
    seed_tokens: Literal["tokenizer", "bytes"] = "tokenizer"
    """What counts them: the teacher's own tokenizer, or, as an approximation, four bytes a token
    for a teacher that shows none."""
    equality_rule: Literal["model", "overlap"] = "model"
    """Who says that nothing was gained: the teacher, or (not in the paper) 90 % shared words."""
    equality_tries: int = Field(default=6, ge=1)
    """How often the teacher is asked for a verdict that can be read."""

    def evidence(self) -> JsonValue:
        """The wording of the prompts."""
        return {name: prompts.fingerprint(name) for name in PROMPTS}

    def check_teacher(self, spec: ModelSpec) -> None:
        """A teacher that counts the tokens of seeds needs a tokenizer."""
        if self.seed_tokens == "tokenizer" and not spec.counts:
            raise ConfigError(
                f"counts seeds in tokens of model {spec.label!r}, whose tokenizer is not known; "
                "name it with the model's `tokenizer` (kind openai), or choose the approximation "
                "`seed_tokens: bytes`"
            )

    def draws(self, seeds: Sequence[Seed], stream: random.Random) -> Iterator[Draw]:
        """One lineage for each seed, with the steps of all its epochs drawn beforehand.

        A pool's steps depend on its category and the epoch alone, so that lineages of one pool
        agree and can still be made in any order.
        """
        salt = stream.getrandbits(64)
        for seed in seeds:
            yield Draw(f"evol-{seed.id}", (seed,), {"steps": self._steps(seed, salt)})

    def expects(self, seed: Length) -> Expected:
        """An evolution, a verdict where a model gives it, and an answer, once an epoch."""
        evolved = answer_of(self.sampling.max_tokens).at_most(self.max_seed_tokens)
        asked = seed.asked.at_most(self.max_seed_tokens)
        evolution = Expected(ONE, asked + exactly(170), evolved, NOTHING)
        verdict = Expected(ONE, asked + evolved + exactly(150), exactly(10), NOTHING)
        tries = Range(low=0.5, likely=1, high=self.equality_tries)
        if self.equality_rule == "overlap":
            tries = NOTHING
        answered = Range(low=0.3, likely=0.8, high=1)
        answer = Expected(
            ONE, evolved + exactly(30), answer_of(self.sampling.max_tokens),
            Range(low=0.2, likely=0.7, high=1),
        )  # fmt: skip
        epoch = evolution.plus(verdict.times(tries)).plus(answer.times(answered))
        most = max([self.epochs, *self.epochs_of.values()])
        least = min([self.epochs, *self.epochs_of.values()])
        return epoch.times(Range(low=least, likely=max(least, self.epochs), high=most))

    async def make(self, draw: Draw, teacher: ChatModel, stream: random.Random) -> Made:
        """Walk one lineage; each epoch gives an example or a failure that names its rule."""
        seed = draw.seeds[0]
        asking = Asking(teacher, self.sampling, stream)
        made, parent, parent_id = Made(), await self._beginning(seed, teacher), seed.id
        for epoch, step in enumerate(draw.details["steps"], start=1):
            name = f"{draw.id}.{epoch}"
            try:
                turns = await self._evolve(parent, step, asking)
            except ParseError as error:
                made.failures.append(
                    Failure(id=name, parents=(seed.id,), reason=error.reason, detail=error.detail)
                )
                continue
            details = _details(seed, step, epoch, parent_id)
            made.rows.append(_example(name, seed, turns, details, teacher))
            parent, parent_id = turns[0], name
        return made

    async def _beginning(self, seed: Seed, teacher: ChatModel) -> str:
        text = seed.prompt.strip()
        if self.seed_tokens == "bytes":
            return first_bytes(text, self.max_seed_tokens)
        return await first_tokens(text, self.max_seed_tokens, teacher.count_tokens)

    def _steps(self, seed: Seed, salt: int) -> list[Step]:
        epochs = range(1, self.epochs_of.get(seed.category, self.epochs) + 1)
        if self.draw == "pool":
            return [draw_for_pool(random_for(salt, seed.category, epoch)) for epoch in epochs]
        return [draw_for_row(random_for(salt, seed.id, epoch)) for epoch in epochs]

    async def _evolve(self, parent: str, step: Step, asking: Asking) -> tuple[str, Completion]:
        """The evolved prompt and its answer, past all four rules.

        Rules that need no answer come before the teacher is asked for one: what is eliminated
        stays the same, at a smaller cost.
        """
        completion = await asking.answer(_request(parent, step))
        evolved, reason = read_evolved(completion.text)
        if reason:
            raise ParseError(reason, completion.text[:200])
        if elimination.copies_markers(evolved):
            raise ParseError(elimination.COPIED_MARKERS, evolved[:200])
        if await self._is_equal(parent, evolved, asking):
            raise ParseError(elimination.NO_INFORMATION_GAIN, evolved[:200])
        answer = await asking.answer(defuse(evolved))
        if elimination.is_apology(answer.text):
            raise ParseError(elimination.SORRY, answer.text[:200])
        if elimination.is_only_stop_words(answer.text):
            raise ParseError(elimination.ONLY_STOP_WORDS, answer.text[:200])
        return evolved, answer

    async def _is_equal(self, parent: str, evolved: str, asking: Asking) -> bool:
        if words(parent) == words(evolved):
            return True
        if self.equality_rule == "overlap":
            return elimination.overlaps(parent, evolved)
        first, second = defuse(parent, TAGS), defuse(evolved, TAGS)
        brief = self.sampling.model_copy(update={"max_tokens": VERDICT_TOKENS})
        asking = replace(asking, sampling=brief)
        question = prompts.render("evol_equality", first=first, second=second)
        for attempt in range(self.equality_tries):
            reply = await asking.ask(question, attempt=attempt)
            verdict = elimination.read_equality(reply.text)
            if verdict is not None:
                return verdict
        raise ParseError(elimination.NO_VERDICT, reply.text[:200])


def _request(parent: str, step: Step) -> str:
    given = defuse(parent, MARKERS)
    if step.strategy == IN_DEPTH:
        return prompts.render("evol_in_depth", given=given, operation=step.operation)
    return prompts.render("evol_in_breadth", given=given)


def _details(seed: Seed, step: Step, epoch: int, parent: str) -> dict[str, JsonValue]:
    return {
        "category": seed.category,
        "evolution_strategy": step.strategy,
        "in-depth-evolving_operation": step.operation,
        "epoch": epoch,
        "evolved_from": parent,
    }


def _example(
    name: str,
    seed: Seed,
    turns: tuple[str, Completion],
    details: dict[str, JsonValue],
    teacher: ChatModel,
) -> Example:
    in_depth = details["evolution_strategy"] == IN_DEPTH
    evolved, answer = turns
    return Example(
        id=name,
        parents=(seed.id,),
        origin="evol_instruct",
        licences=seed.licences,
        messages=(
            Message(role="user", content=evolved),
            Message(role="assistant", content=answer.text.strip()),
        ),
        scheme="evol_instruct",
        teacher=teacher.name,
        prompt_fingerprint=prompts.fingerprint("evol_in_depth" if in_depth else "evol_in_breadth"),
        finish_reason=answer.finish_reason,
        details=details,
    )
