"""Answers each seed's prompt: the second half of LaMini-LM, after duplicates are gone."""

import random
from typing import Literal

from pydantic import JsonValue

from openbezoar import prompts
from openbezoar.component import digest
from openbezoar.families import ChatModel, Draw, Made, Sampling, Scheme
from openbezoar.records import Example, Message, Seed
from openbezoar.schemes.asking import Asking
from openbezoar.schemes.quoting import defuse

__all__ = ["Respond"]


class Respond(Scheme):
    """One seed, one question to the teacher, one example."""

    kind: Literal["respond"] = "respond"
    sampling: Sampling = Sampling()
    """How the teacher draws its answers."""
    system: str | None = None
    """The teacher's system message; by default a concise, helpful assistant, empty for none."""

    def evidence(self) -> JsonValue:
        """The wording of the default system message."""
        return {"prompts": self._wording}

    async def make(self, draw: Draw, teacher: ChatModel, stream: random.Random) -> Made:
        """Answer one seed; ParseError when the answer was cut or empty."""
        seed = draw.seeds[0]
        asking = Asking(teacher, self.sampling, stream)
        completion = await asking.answer(defuse(seed.prompt), system=self._system)
        turns = (
            Message(role="user", content=seed.prompt),
            Message(role="assistant", content=completion.text.strip()),
        )
        example = Example(
            id=f"respond-{draw.id}",
            parents=(seed.id,),
            origin=self.kind,
            licences=seed.licences,
            messages=turns,
            scheme=self.kind,
            teacher=teacher.name,
            prompt_fingerprint=self._wording,
            finish_reason=completion.finish_reason,
            target=seed.target,
            details=_details(seed),
        )
        return Made(rows=[example])

    @property
    def _system(self) -> str:
        return prompts.render("respond_system") if self.system is None else self.system

    @property
    def _wording(self) -> str:
        if self.system is None:
            return prompts.fingerprint("respond_system")
        return digest(self.system)[:12]


def _details(seed: Seed) -> dict[str, JsonValue]:
    details: dict[str, JsonValue] = {"source": seed.details.get("source", seed.origin)}
    return {**details, "category": seed.category} if seed.category else details
