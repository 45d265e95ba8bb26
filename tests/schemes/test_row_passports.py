"""Every row of every scheme says who made it, from what, with which prompt and how it ended."""

from collections.abc import Callable, Sequence

import pytest

from openbezoar.families import Made, Request, Scheme
from openbezoar.records import Example, Seed
from openbezoar.schemes.evol_instruct import EvolInstruct
from openbezoar.schemes.lamini import Lamini
from openbezoar.schemes.orca import Orca
from openbezoar.schemes.respond import Respond

Make = Callable[..., list[Made]]
SCHEMES: Sequence[Scheme] = (Lamini(requests=1), Respond(), EvolInstruct(draw="row"), Orca(total=1))


def answer(request: Request) -> str:
    asked = request.messages[-1].content
    if "<first_prompt>" in asked:
        return "Not equal"
    if "<example>" in asked:
        return "<example>Compare two ways to store apples over winter.</example>"
    return "Name three bridges that cross a wide river in Norway."


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: str(scheme.kind))
def test_a_row_carries_its_passport(scheme: Scheme, seeds: list[Seed], make: Make) -> None:
    flan = [
        seed.model_copy(update={"sub_collection": "cot", "task": "t", "target": "Yes."})
        for seed in seeds
    ]
    row = make(scheme, flan, answer)[0].rows[0]
    carried = row if isinstance(row, Example) else row.details  # type: ignore[attr-defined]
    told = carried.model_dump() if isinstance(carried, Example) else carried
    assert (told["scheme"], told["teacher"]) == (scheme.model_dump()["kind"], "scripted")
    assert (told["attempt"], told["finish_reason"]) == (0, "stop")
    assert len(told["prompt_fingerprint"]) == 12
    assert row.parents
    assert set(row.parents) <= {seed.id for seed in seeds}
