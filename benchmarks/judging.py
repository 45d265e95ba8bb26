"""Measures the judge by likelihood, with the embedded model, on real and bad answers to Dolly rows.

    python benchmarks/judging.py --rows 200 --json
    python benchmarks/judging.py --rows 340 --fit

The second fits the judge's curves, on rows that are never among those the first measures on.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from openbezoar.driver import over_rows  # noqa: E402 - found by the line above
from openbezoar.families import ChatModel, Scorer, random_for  # noqa: E402
from openbezoar.judges.likelihood import Figures, Likelihood, figures  # noqa: E402
from openbezoar.judges.probes import GOOD, REAL, discrimination  # noqa: E402
from openbezoar.judges.qualification import probes_of  # noqa: E402
from openbezoar.models.transformers import Transformers  # noqa: E402
from openbezoar.records import Example, Grade, Message, Seed  # noqa: E402
from openbezoar.sources.dolly import DollySource  # noqa: E402

SET_ASIDE = 700
"""Rows kept for fitting; nothing is measured on them."""
TERMS = ("gain", "likelihood", "ending")
LEAST_WIDTH = 0.1
"""Of the real answers' spread: a narrower curve would be a step fitted to single rows."""


class Graded(NamedTuple):
    """A probe and its grade."""

    kind: str
    row: Example
    grade: Grade


def main() -> None:
    """Print one JSON object, or a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--model", default="smollm2-135m-instruct", help="a chat checkpoint")
    parser.add_argument("--fit", action="store_true", help="fit the curves instead")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = dolly_rows(given.rows, fitting=given.fit)
    work = fitted(rows, given.model) if given.fit else measured(rows, given.model)
    found = asyncio.run(work)
    print(json.dumps(found, indent=2) if given.json or given.fit else table(found))


def dolly_rows(count: int, fitting: bool) -> list[Example]:
    """Random answered rows of all categories; those for fitting and for measuring never meet."""
    found = (row for row in DollySource(strip_citations=True).read() if isinstance(row, Seed))
    seeds = [seed for seed in found if seed.target]
    random_for("benchmarks", "judging").shuffle(seeds)
    chosen = seeds[:SET_ASIDE] if fitting else seeds[SET_ASIDE:]
    return [answered(seed) for seed in chosen[:count]]


def answered(seed: Seed) -> Example:
    """The seed with the answer that a person wrote."""
    asked = Message(role="user", content=seed.prompt)
    answer = Message(role="assistant", content=seed.target or "")
    return Example(id=seed.id, messages=(asked, answer), details={"context": bool(seed.context)})


async def measured(rows: Sequence[Example], checkpoint: str) -> dict[str, Any]:
    """The shipped judge's figures: on all rows, on those with a context and on those without."""
    judge = Likelihood(model="judge")
    probes = probes_of(rows, probing())
    async with Transformers(checkpoint=checkpoint).connect() as model:
        clock = time.monotonic()
        graded = await grade_all(judge, model, probes)
        seconds = time.monotonic() - clock
    parts = {
        "all": graded,
        "with_context": [one for one in graded if one.row.details.get("context")],
        "without_context": [one for one in graded if not one.row.details.get("context")],
    }
    return {
        "model": checkpoint,
        "rows": len(rows),
        "answers": len(graded),
        "seconds": round(seconds, 1),
        "rows_per_second": round(len(graded) / seconds, 2),
        **{name: told(part) for name, part in parts.items()},
    }


def probing() -> random.Random:
    """The stream that bad answers are drawn from."""
    return random_for("benchmarks", "judging", "probes")


async def grade_all(
    judge: Likelihood, model: ChatModel, probes: Iterable[tuple[str, Example]]
) -> list[Graded]:
    """Grade every probe; one that the model cannot take has no verdict."""

    async def grade(probe: tuple[str, Example]) -> Grade:
        return await judge.grade(probe[1], model)

    return [
        Graded(*outcome.row, outcome.result or Grade())
        async for outcome in over_rows(probes, grade)
    ]


def told(graded: Sequence[Graded]) -> dict[str, Any]:
    """The figures of some answers."""
    grades: dict[str, list[Grade]] = defaultdict(list)
    for one in graded:
        grades[one.kind].append(one.grade)
    return discrimination(grades, lambda grade: grade.status == "Accept").numbers()


async def fitted(rows: Sequence[Example], checkpoint: str) -> dict[str, Any]:
    """The curves under which real answers are likeliest to be told from bad ones."""
    probes = [probe for probe in probes_of(rows, probing()) if not probe[0].startswith("hard")]
    async with Transformers(checkpoint=checkpoint).connect() as model:

        async def look(probe: tuple[str, Example]) -> Figures:
            assert isinstance(model, Scorer)
            return await figures(probe[1], model)

        seen = [
            (outcome.row[0], outcome.result)
            async for outcome in over_rows(probes, look)
            if outcome.result is not None and outcome.result.tokens > 1
        ]
    return {"rows": len(rows), "answers": len(seen), "curves": curves(seen)}


def curves(seen: Sequence[tuple[str, Figures]], steps: int = 2000) -> dict[str, dict[str, float]]:
    """Maximum likelihood: real is what stands all tests; each kind of bad answer counts alike."""
    import torch

    values = torch.tensor([figure[: len(TERMS)] for _, figure in seen], dtype=torch.float64)
    real = torch.tensor([kind == REAL for kind, _ in seen])
    counts = {kind: sum(other == kind for other, _ in seen) for kind, _ in seen}
    share = {kind: 0.5 if kind == REAL else 0.5 / (len(counts) - 1) for kind in counts}
    weights = torch.tensor([share[kind] / counts[kind] for kind, _ in seen], dtype=torch.float64)
    spread = values[real].std(0)
    half = (values[real].median(0).values - spread).requires_grad_()
    width = (spread / 2).log().requires_grad_()
    adam = torch.optim.Adam([half, width], lr=0.02)
    for _ in range(steps):
        scale = width.exp() + LEAST_WIDTH * spread
        stands = torch.nn.functional.logsigmoid((values - half) / scale).sum(1)
        falls = torch.log(-torch.expm1(stands.clamp(max=-1e-9)))
        loss = -(weights * torch.where(real, stands, falls)).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    found = zip(TERMS, half.tolist(), (width.exp() + LEAST_WIDTH * spread).tolist(), strict=True)
    return {term: {"half": round(h, 3), "width": round(w, 3)} for term, h, w in found}


def table(found: dict[str, Any]) -> str:
    """The figures as lines, one for each kind of answer."""
    lines = [f"{name} {found[name]}" for name in ("model", "answers", "rows_per_second")]
    for part in ("all", "with_context", "without_context"):
        shown = found[part]
        lines.append(f"\n{part}: pooled AUC {shown['auc_pooled']} {shown['auc_pooled_interval']}")
        for kind, n in shown["n"].items():
            area = "" if kind in GOOD else f"AUC {shown['auc'][kind]} {shown['auc_interval'][kind]}"
            kept = f"accepted {shown['accepted'][kind]} {shown['accepted_interval'][kind]}"
            lines.append(f"  {kind:12} n {n:4}  {kept:36} {area}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
