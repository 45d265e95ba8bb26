"""How often two models that are alike are shown to differ, by rows and by what is measured.

    python benchmarks/differences.py --json

Models and rows are simulated, so that the truth is known: no difference. Ours is what `bezoar
compare` says of one metric; beside it stands the plain percentile interval of the bootstrap.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from openbezoar.statistics import (  # noqa: E402 - found by the line above
    Paired,
    bootstrap,
    paired_difference,
)

ROUNDS = 500


def main() -> None:
    """Print one JSON object: the shares by what is measured and by rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--studies", type=int, default=600, help="of each kind and size")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {
        f"{row.__name__}, {n} rows": studied(row, n, given.studies)
        for row, sizes in KINDS.items()
        for n in sizes
    }
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, shares in found.items():
        print(f"{name:22}{shares}")


def studied(row: Callable[[random.Random], Paired], n: int, studies: int) -> dict[str, float]:
    """The share of studies in which a difference is shown, ours and by plain percentiles."""
    stream = random.Random(5)
    ours = plain = 0
    for _ in range(studies):
        rows = [row(stream) for _ in range(n)]
        found = paired_difference(rows, stream, ROUNDS)
        interval = bootstrap(rows, mean_of, stream, ROUNDS)
        assert found is not None
        assert interval is not None
        ours += not found.covers_zero and found.p <= 0.05
        plain += not interval.low <= 0 <= interval.high
    return {"ours": round(ours / studies, 3), "percentiles": round(plain / studies, 3)}


def mean_of(rows: Sequence[Paired]) -> float:
    """The mean difference per unit of weight."""
    return sum(row.difference for row in rows) / sum(row.weight for row in rows)


def ratings(stream: random.Random) -> Paired:
    """A question of two turns, each rated from 1 to 10."""
    hard = stream.gauss(6, 2)
    a, b = ([min(10, max(1, round(stream.gauss(hard, 2)))) for _ in "12"] for _ in "ab")
    return Paired(sum(b) - sum(a), 2)


def duels(stream: random.Random) -> Paired:
    """Two turns, each won, lost or tied."""
    return Paired(sum(stream.choices((1, -1, 0), (3, 3, 4), k=2)), 2)


def choices(stream: random.Random) -> Paired:
    """A question that either model alone gets right in one case of ten."""
    return Paired(stream.choices((1, -1, 0), (1, 1, 8))[0])


def losses(stream: random.Random) -> Paired:
    """A row of 5 to 300 tokens and the difference of two losses on it."""
    tokens = stream.randint(5, 300)
    return Paired(tokens * stream.gauss(0, 0.3), tokens)


def skewed(stream: random.Random) -> Paired:
    """Differences most of which are small and negative, a few large and positive."""
    return Paired(stream.expovariate(1) - 1)


KINDS: dict[Callable[[random.Random], Paired], tuple[int, ...]] = {
    ratings: (8, 16, 80),
    duels: (8, 16, 80),
    losses: (8, 16),
    choices: (40, 100),
    skewed: (8, 16),
}

if __name__ == "__main__":
    main()
