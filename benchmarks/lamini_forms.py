"""Measures LaMini's two forms of list, labels and a JSON schema, with the embedded teacher.

    python benchmarks/lamini_forms.py --requests 24 --json

Seeds are Dolly's (OPENBEZOAR_DATA names the folder). Both forms ask with the same draws;
the figures are per request, and the tokens a second of a teacher that works alone.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from openbezoar.driver import over_rows  # noqa: E402 - found by the line above
from openbezoar.families import ChatModel, Draw, Made, Sampling, random_for  # noqa: E402
from openbezoar.filters.duplicates import normalised  # noqa: E402
from openbezoar.models.llama_cpp import LlamaCpp  # noqa: E402
from openbezoar.records import Seed  # noqa: E402
from openbezoar.schemes.lamini import Lamini  # noqa: E402
from openbezoar.sources.dolly import DollySource  # noqa: E402
from openbezoar.stages.asked import HeardModel  # noqa: E402

SAMPLING = Sampling(temperature=0.8, max_tokens=256)
"""As the shipped recipes have it."""
FORMS: tuple[Literal["markers", "schema"], ...] = ("markers", "schema")


def main() -> None:
    """Print one JSON object, or a line for each form and number asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--requests", type=int, default=24)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = [
        asyncio.run(measured(Lamini(form=form, ask=5, requests=given.requests, sampling=SAMPLING)))
        for form in FORMS
    ]
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for line in found:
        print(line)


async def measured(scheme: Lamini) -> dict[str, Any]:
    """One form: what came of its requests."""
    seeds = [
        row for row in DollySource(per_category=12, sample="random").rows() if isinstance(row, Seed)
    ]
    made, reasons, tokens = list[str](), Counter[str](), list[int]()
    clock = time.monotonic()
    async with LlamaCpp().connect() as teacher:
        draws = list(scheme.draws(seeds, random.Random(42)))
        async for outcome in over_rows(
            draws, lambda draw: asked(scheme, draw, teacher, tokens), 16
        ):
            if outcome.result is None:
                reasons[str(outcome.error and outcome.error.reason)] += 1
                continue
            made += [row.prompt for row in outcome.result.rows if isinstance(row, Seed)]
            reasons.update(failure.reason for failure in outcome.result.failures)
    seconds = time.monotonic() - clock
    return {
        "form": scheme.form,
        "ask": scheme.ask,
        "requests": scheme.requests,
        "instructions_per_request": round(len(made) / scheme.requests, 2),
        "distinct_per_request": round(len(set(map(normalised, made))) / scheme.requests, 2),
        "tokens_per_second": round(sum(tokens) / seconds, 1),
        "seconds": round(seconds, 1),
        "dropped": dict(reasons.most_common()),
    }


async def asked(scheme: Lamini, draw: Draw, teacher: ChatModel, tokens: list[int]) -> Made:
    """The rows of a draw; what was written for them is noted even if nothing comes of it."""
    heard = HeardModel(teacher)
    try:
        return await scheme.make(draw, heard, random_for(42, draw.id))
    finally:
        tokens += [each.answer.tokens_out for each in heard.exchanges if each.answer]


if __name__ == "__main__":
    main()
