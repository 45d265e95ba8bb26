"""How far merged models are from the ones trained, by either rule, and what each stage forgets.

Three lessons of Dolly's human answers and one of preference pairs, SmolLM2-135M on NF4:

    OPENBEZOAR_DATA=../shared/data python benchmarks/merging.py --store /tmp/merging
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from openbezoar import hub, runner
from openbezoar.recipe import load
from openbezoar.stages.candidates import Trained, compared, figures, write
from openbezoar.stages.lessons import sequences
from openbezoar.stages.start import Start
from openbezoar.store import Artifact, Store
from openbezoar.training.format import Format

LESSONS = {"facts": "open_qa", "writing": "creative_writing", "labels": "classification"}


def recipe(checkpoint: str, rows: int, precision: str) -> str:
    """The recipe: one adapter carried through the lessons, merged, then DPO on top."""
    train = (
        f"{{kind: train, start: START, data: DATA, objective: {{kind: sft}}, "
        f"precision: {precision}, "
        "optimisation: {learning_rate: 3.0e-4, batch_rows: 8, epochs: 2, max_tokens: 512}}"
    )
    lines = [
        "name: merging",
        f"models: {{student: {{kind: transformers, checkpoint: {checkpoint!r}}}}}",
        "stages:",
    ]
    start = "student"
    for name, category in LESSONS.items():
        source = f"{{kind: dolly, categories: [{category}], limit: {rows}, answers: true}}"
        lines += [
            f"  {name}_rows: {{kind: source, source: {source}}}",
            f"  {name}: {{kind: mix, rows: [{name}_rows], validation: 0.25}}",
            f"  learn_{name}: {train.replace('START', start).replace('DATA', name)}",
        ]
        start = f"learn_{name}"
    pairs = "{kind: source, source: {kind: sample, rows: preferences}}"
    dpo = train.replace("START", f"{start}, carry: merge").replace("DATA", "prefer")
    lines += [
        f"  merged: {{kind: merge, adapter: {start}, parity_rows: 16}}",
        f"  pairs: {pairs}",
        "  prefer: {kind: mix, rows: [pairs], validation: 0.25}",
        f"  dpo: {dpo.replace('{kind: sft}', '{kind: dpo}')}",
        "  aligned: {kind: merge, adapter: dpo, parity_rows: 16}",
    ]
    return "\n".join(lines) + "\n"


def apart(artifacts: dict[str, Artifact], checkpoint: str, precision: Any) -> dict[str, Any]:
    """How far the base and both merged models, loaded in 16 bits and in 4, are from the trained."""
    base = hub.checkpoint(checkpoint)
    adapter = artifacts["learn_labels"].folder / "adapter"
    format_ = Format.load(adapter)
    rows = [
        sequence
        for name in LESSONS
        for sequence in sequences(artifacts[name], "valid", format_, (8, 512))
    ]
    trained = Trained(Start(base, {}, adapter), precision, "cpu", format_, rows)
    with tempfile.TemporaryDirectory() as folder:
        rules = ("original", "dequantised")
        _, reference = write(trained, Path(folder), rules, 1 << 40)
        places = {"base": base} | {rule: Path(folder) / rule for rule in rules}
        return {
            f"{name}, {loaded}": figures(compared(place, loaded, trained, reference))
            for name, place in places.items()
            for loaded in ("bfloat16", "nf4")
        }


def main() -> None:
    """Run the recipe and print the figures of its manifests as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path(".bezoar/merging"))
    parser.add_argument("--checkpoint", default="smollm2-135m-instruct")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--precision", default="nf4")
    given = parser.parse_args()
    given.store.mkdir(parents=True, exist_ok=True)
    path = given.store / "recipe.yaml"
    path.write_text(recipe(given.checkpoint, given.rows, given.precision), encoding="utf-8")
    made = runner.run(load(path), Store(given.store), lambda *told: print(*told, file=sys.stderr))
    names = ("onto", "why", "rules", "requantised", "boundary", "merged", "ledger")
    found: dict[str, Any] = {
        one.manifest.stage: {
            "seconds": one.manifest.run["seconds"],
            "peak_mb": one.manifest.run["peak_memory_mb"],
            **{name: one.numbers[name] for name in names if name in one.numbers},
        }
        for one in made
        if one.manifest.kind in ("train", "merge")
    }
    artifacts = {one.manifest.stage: one for one in made}
    found["apart"] = apart(artifacts, given.checkpoint, given.precision)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
