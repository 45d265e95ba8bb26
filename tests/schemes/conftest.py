"""Seeds, draws and a scripted teacher for the schemes' tests."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from openbezoar.families import Made, Request, Scheme, random_for
from openbezoar.models.scripted import ScriptedModel
from openbezoar.records import Completion, Seed

Make = Callable[..., list[Made]]


@pytest.fixture
def seeds() -> list[Seed]:
    instructions = (
        "Name three fruits that are rich in vitamin C.",
        "Explain why the sky looks blue at noon.",
        "Write a short poem about a lighthouse keeper.",
        "How do I remove rust from an old bicycle chain?",
    )
    return [
        Seed(id=f"seed-{place}", origin="sample", licences=("CC0-1.0",), instruction=text)
        for place, text in enumerate(instructions)
    ]


@pytest.fixture
def make() -> Make:
    """Run every draw of a scheme with a teacher that answers by a function."""

    def run(
        scheme: Scheme, seeds: Sequence[Seed], answer: Callable[[Request], Completion | str]
    ) -> list[Made]:
        teacher = ScriptedModel(answer)

        async def all_draws() -> list[Made]:
            return [
                await scheme.make(draw, teacher, random_for("make", draw.id))
                for draw in scheme.draws(seeds, random_for("draws"))
            ]

        return asyncio.run(all_draws())

    return run
