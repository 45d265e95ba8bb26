"""Orca's explanation tuning (arXiv 2306.02707): FLAN's tasks, answered under a system message."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from pydantic import Field, JsonValue, PositiveInt, model_validator

from openbezoar import prompts
from openbezoar.component import digest
from openbezoar.families import ChatModel, Draw, Made, Sampling, Scheme, random_for
from openbezoar.ranges import Range, exactly
from openbezoar.records import Example, Message, Seed
from openbezoar.schemes.asking import Asking
from openbezoar.schemes.quoting import defuse
from openbezoar.schemes.system_messages import Wording, message_ids, system_messages
from openbezoar.schemes.task_sampling import sample_tasks

__all__ = ["Orca"]

SubCollection = Literal["cot", "niv2", "t0", "flan2021"]
TASK_SOURCES = {"cot": "CoT", "niv2": "NIv2", "t0": "P3", "flan2021": "Flan2021"}


class Orca(Scheme):
    """Samples tasks, chooses a system message for each row, and keeps the teacher's explanation."""

    kind: Literal["orca"] = "orca"
    sampling: Sampling = Sampling(max_tokens=1024)
    """How the teacher draws its explanations."""
    counts: dict[SubCollection, PositiveInt] = {}
    """Rows to draw from each sub-collection; those not named are left out."""
    total: int | None = Field(default=None, ge=1)
    """Rows to draw from all sub-collections together, instead of counts."""
    per_task: PositiveInt | dict[str, PositiveInt] = {"niv2": 300}
    """The most rows of one task: a number for all, or by sub-collection."""
    template_types: tuple[str, ...] = ("zs_opt", "zs_noopt")
    """FLAN's templates to use: the zero-shot ones; seeds that name none are used too."""
    show_target: bool = False
    """Whether the teacher is told the known answer."""
    wording: Wording = "ours"
    """The system messages: ours, or the original strings of orca/system_messages.json."""

    @model_validator(mode="after")
    def _one_way_to_count(self) -> "Orca":
        if self.counts and self.total is not None:
            raise ValueError("give either counts or total, not both")
        return self

    def evidence(self) -> JsonValue:
        """The wording of the system messages and of the prompt with the target."""
        messages: dict[str, JsonValue] = {
            str(number): text for number, text in system_messages(self.wording).items()
        }
        return {"system_messages": digest(messages), "prompts": _target_prompt(self.show_target)}

    def draws(self, seeds: Sequence[Seed], stream: random.Random) -> Iterator[Draw]:
        """Sample tasks, then choose each row's system message from its own stream."""
        salt = stream.getrandbits(64)
        messages = system_messages(self.wording)
        for place in self._sampled(seeds, salt):
            seed = seeds[place]
            ids = message_ids(seed.sub_collection, seed.prompt)
            chosen = random_for(salt, seed.id).choice(ids)
            details = {"index": place, "message_id": chosen, "message": messages[chosen]}
            yield Draw(f"orca-{seed.id}", (seed,), details)

    def expects_draws(self, seeds: Range | None) -> Range | None:
        """The rows asked for, as far as there are seeds."""
        wanted = sum(self.counts.values()) if self.counts else self.total
        if wanted is None:
            return seeds
        return exactly(wanted) if seeds is None else seeds.at_most(wanted)

    async def make(self, draw: Draw, teacher: ChatModel, stream: random.Random) -> Made:
        """Ask for one explanation; ParseError when it was cut or empty."""
        seed, system = draw.seeds[0], draw.details["message"]
        asking = Asking(teacher, self.sampling, stream)
        completion = await asking.answer(self._request(seed), system=system)
        explanation = completion.text.strip()
        turns = (
            Message(role="user", content=seed.prompt),
            Message(role="assistant", content=explanation),
        )
        example = Example(
            id=draw.id,
            parents=(seed.id,),
            origin=self.kind,
            licences=seed.licences,
            messages=(Message(role="system", content=system), *turns) if system else turns,
            scheme=self.kind,
            teacher=teacher.name,
            prompt_fingerprint=digest([system, _target_prompt(self._shows(seed))])[:12],
            finish_reason=completion.finish_reason,
            target=seed.target,
            details=_published(draw, explanation),
        )
        return Made(rows=[example])

    def _sampled(self, seeds: Sequence[Seed], salt: int) -> Iterator[int]:
        """The places of the drawn seeds, one sub-collection after another when each has a count."""
        rows = [
            ((seed.sub_collection, seed.task), place)
            for place, seed in enumerate(seeds)
            if not seed.template_type or seed.template_type in self.template_types
        ]
        if not self.counts:
            yield from islice(sample_tasks(rows, self.per_task, random_for(salt)), self.total)
        for name, count in self.counts.items():
            own = [row for row in rows if row[0][0] == name]
            yield from islice(sample_tasks(own, self.per_task, random_for(salt, name)), count)

    def _shows(self, seed: Seed) -> bool:
        return self.show_target and bool(seed.target)

    def _request(self, seed: Seed) -> str:
        inputs = defuse(seed.prompt)
        if not self._shows(seed):
            return inputs
        target = defuse(seed.target or "")
        return prompts.render("orca_with_target", inputs=inputs, target=target)


def _target_prompt(shown: bool) -> str | None:
    return prompts.fingerprint("orca_with_target") if shown else None


def _published(draw: Draw, explanation: str) -> dict[str, JsonValue]:
    """The fields of the published data set, and the id of the system message."""
    seed = draw.seeds[0]
    return {
        "original_index": seed.details.get("original_index", draw.details["index"]),
        "inputs": seed.prompt,
        "targets": seed.target,
        "task_source": seed.details.get("task_source", TASK_SOURCES[seed.sub_collection]),
        "task_name": seed.task,
        "template_type": seed.template_type,
        "system_message": draw.details["message"],
        "explained_targets": explanation,
        "dataset_source": seed.details.get("dataset_source", seed.origin),
        "system_message_id": draw.details["message_id"],
    }
