"""A store put together by hand: rows with licences, and the stages that they came through."""

import json
from pathlib import Path
from typing import Any

import pytest

from openbezoar.store import Artifact, Manifest, Store, fingerprint

SMOLLM = {"kind": "llama_cpp", "model": "smollm2-135m-instruct"}
OWN = {"kind": "transformers", "checkpoint": "our/own", "dtype": "float32"}


class Bookcase:
    """Puts artifacts into a store, one after the other; each reads those that it names."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self.made: dict[str, Artifact] = {}
        self.recipe = ""
        """The sha256 of the recipe that later artifacts are made with."""

    def source(self, stage: str, *licences: tuple[str, ...], kind: str = "jsonl") -> Artifact:
        """A source of one row for each tuple of licences."""
        settings = {"source": {"kind": kind, "path": f"/home/me/{stage}.jsonl"}}
        return self.put(stage, "source", "seeds", settings, rows=licences)

    def generate(self, stage: str, seeds: str, teacher: dict[str, Any], **scheme: Any) -> Artifact:
        """A row for every seed, by a teacher."""
        scheme = {"kind": "respond", **scheme}
        settings = {"seeds": seeds, "teacher": "teacher", "scheme": scheme}
        rows = self._licences(seeds)
        models = {"teacher": teacher}
        return self.put(stage, "generate", "examples", settings, (seeds,), rows, models)

    def judged(self, stage: str, rows: str, judge: dict[str, Any]) -> Artifact:
        """All rows, kept by a judge."""
        part = {"kind": "judged", "judge": {"kind": "acceptance", "model": "judge"}}
        settings, models = {"rows": rows, "filters": [part]}, {"judge": judge}
        kept = self._licences(rows)
        return self.put(stage, "filter", "examples", settings, (rows,), kept, models)

    def mix(self, stage: str, *rows: str) -> Artifact:
        """All rows to train on."""
        counts = {f"{name}.train": len(self._licences(name)) for name in rows}
        joined = [row for name in rows for row in self._licences(name)]
        numbers = {"train": len(joined), "valid": 0, "by_origin": counts}
        settings = {"rows": [*rows]}
        return self.put(stage, "mix", "examples data set", settings, rows, joined, {}, numbers)

    def train(self, stage: str, start: str, data: str, base: dict[str, Any] = SMOLLM) -> Artifact:
        """An adapter; `base` is the checkpoint where `start` is no stage."""
        reads = [name for name in (start, data) if name in self.made]
        models = {} if start in self.made else {start: base}
        settings = {"start": start, "data": data}
        return self.put(stage, "train", "adapter", settings, reads, None, models)

    def merge(self, stage: str, adapter: str) -> Artifact:
        """A model."""
        return self.put(stage, "merge", "model", {"adapter": adapter}, (adapter,), None)

    def _licences(self, stage: str) -> list[tuple[str, ...]]:
        path = self.made[stage].folder / "rows.jsonl"
        return [tuple(json.loads(line)["licences"]) for line in path.read_text().splitlines()]

    def put(
        self,
        stage: str,
        kind: str,
        makes: str,
        settings: dict[str, Any],
        reads: Any = (),
        rows: Any = None,
        models: Any = None,
        numbers: Any = None,
    ) -> Artifact:
        """Commit an artifact of any kind."""
        given = {name: [spec, None] for name, spec in (models or {}).items()}
        science: Any = {"stage": stage, "settings": {"kind": kind, **settings}, "models": given}
        inputs = {name: self.made[name].manifest.fingerprint for name in reads}
        print_ = fingerprint(science, inputs)
        folder = self.store.begin(stage, print_)
        if rows is not None:
            _write(folder / ("train.jsonl" if kind == "mix" else "rows.jsonl"), rows)
            licences = sorted({licence for row in rows for licence in row})
            numbers = numbers or {"rows": len(rows), "licences": licences}
        if kind == "mix":
            _write(folder / "valid.jsonl", [])
        manifest = Manifest(
            stage=stage, kind=kind, makes=makes, fingerprint=print_, science=science,
            inputs=inputs, numbers=numbers or {}, files={},
            run={"finished": f"{len(self.made):03}", "recipe_sha256": self.recipe},
        )  # fmt: skip
        self.made[stage] = self.store.commit(folder, manifest)
        return self.made[stage]


@pytest.fixture
def bookcase(tmp_path: Path) -> Bookcase:
    """An empty store to put artifacts into."""
    return Bookcase(tmp_path / "store")


def _write(path: Path, rows: Any) -> None:
    lines = [
        json.dumps({"id": f"row-{place}", "licences": list(row)}) for place, row in enumerate(rows)
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
