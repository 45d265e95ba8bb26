"""How far GPT-3.5 agrees with three people on PandaLM's pairs, and whether kappa's interval holds.

Run: OPENBEZOAR_DATA=... python benchmarks/agreement.py [--json]
"""

import argparse
import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

from sklearn.metrics import accuracy_score, cohen_kappa_score

from openbezoar.calibration.agreement import agreement, majority
from openbezoar.statistics import bootstrap, kappa

STUDIES = {
    "balanced": (0.45, 0.05, 0.10, 0.40),
    "seldom differ": (0.88, 0.01, 0.01, 0.10),
    "seldom reject": (0.90, 0.03, 0.05, 0.02),
}
"""Shares of accept/accept, accept/reject, reject/accept and reject/reject."""
CELLS = [(first, second) for first in "ar" for second in "ar"]


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(folder / "judges" / f"pandalm_{name}.json.gz", "rt", encoding="utf-8") as file:
        return list(json.load(file))


def pandalm(folder: Path) -> dict[str, Any]:
    """The person's side is the majority of three; where all three differ the pair is left out."""
    people = {
        row["idx"]: majority([str(row[f"annotator{n}"]) for n in (1, 2, 3)])
        for row in read(folder, "testset-v1")
    }
    verdicts = {
        row["idx"]: str(row["gpt_result"]) for row in read(folder, "gpt-3.5-turbo-testset-v1")
    }
    pairs = [(said, verdicts[idx]) for idx, said in people.items() if said is not None]
    found = agreement(pairs)
    human, judge = zip(*pairs, strict=True)
    return {
        "pairs": len(people),
        "without_majority": len(people) - len(pairs),
        "agreement": found.agreement.value,
        "agreement_interval": [found.agreement.low, found.agreement.high],
        "agreement_scikit_learn": accuracy_score(human, judge),
        "kappa": found.kappa.value,
        "kappa_interval": [found.kappa.low, found.kappa.high],
        "kappa_scikit_learn": cohen_kappa_score(human, judge),
    }


def held(shares: tuple[float, ...], n: int, studies: int) -> dict[str, float]:
    """How often the 95 % intervals of simulated studies of n rows hold the true kappa."""
    stream = random.Random(7)
    exact = [cell for cell, s in zip(CELLS, shares, strict=True) for _ in range(round(100 * s))]
    truth = kappa(exact).value or 0.0
    ours = theirs = 0
    for _ in range(studies):
        drawn = stream.choices(CELLS, shares, k=n)
        one = kappa(drawn)
        ours += one.low is None or one.high is None or one.low <= truth <= one.high
        other = bootstrap(drawn, lambda rows: kappa(rows).value or 0.0, stream, rounds=200)
        theirs += other is not None and other.low <= truth <= other.high
    return {"ours": ours / studies, "bootstrap": theirs / studies}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--studies", type=int, default=300)
    chosen = parser.parse_args()
    found = pandalm(Path(os.environ.get("OPENBEZOAR_DATA", "../shared/data")))
    found["kappa_interval_holds"] = {
        f"{name}, {n} rows": held(shares, n, chosen.studies)
        for name, shares in STUDIES.items()
        for n in (40, 80)
    }
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:<24} {value}")


if __name__ == "__main__":
    main()
