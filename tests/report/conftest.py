"""A small store as a finished run of the whole line leaves it, made by hand."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, JsonValue

from openbezoar.records import (
    Example,
    Failure,
    Grade,
    Message,
    Preference,
    Rejected,
    Score,
    Seed,
    Verdict,
)
from openbezoar.store import Artifact, Manifest, Store, fingerprint

EMBEDDED = "embedded judge: shows that the plumbing works, not how good a model is"
WARNING = "its judge and the teacher of lamini are the same model (smollm2-135m-instruct)"
VERSIONS: dict[str, JsonValue] = {"python": "3.11.9", "torch": "2.13.0", "bitsandbytes": None}


class Shelf:
    """Puts artifacts into a store, one after the other."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self.made: dict[str, Artifact] = {}
        self._clock = 0

    def put(self, stage: str, kind: str, makes: str, numbers: Any, **given: Any) -> Artifact:
        """Commit one artifact; `reads`, `files`, `settings`, `models` and `usage` may be given."""
        self._clock += 1
        reads, files = given.get("reads", ()), given.get("files", {})
        science = {
            "stage": stage,
            "settings": {"kind": kind, **given.get("settings", {})},
            "models": given.get("models", {}),
        }
        inputs = {name: self.made[name].manifest.fingerprint for name in reads}
        print_ = fingerprint(science, inputs)
        folder = self.store.begin(stage, print_)
        for name, content in files.items():
            _write(folder / name, content)
        run = {
            "recipe": "small",
            "started": f"2026-11-02T09:{self._clock:02}:00+00:00",
            "finished": f"2026-11-02T09:{self._clock:02}:30.000000+00:00",
            "seconds": 30.5,
            "peak_memory_mb": 1500.0,
            "machine": "Linux x86_64",
            "versions": VERSIONS,
            "usage": given.get("usage", {}),
            "commit": "0123456789ab",
        }
        manifest = Manifest(
            stage=stage,
            kind=kind,
            makes=makes,
            fingerprint=print_,
            science=science,
            inputs=inputs,
            numbers=numbers,
            files={},
            run=run,
        )
        self.made[stage] = self.store.commit(folder, manifest)
        return self.made[stage]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty store to put artifacts into."""
    (tmp_path / "store").mkdir()
    return Shelf(tmp_path / "store")


@pytest.fixture
def line(shelf: Shelf) -> Shelf:
    """The store of a whole run: rows, a judge, SFT, DPO and the scores of three models."""
    _put_rows(shelf)
    _put_training(shelf)
    for place, (stage, model, reads) in enumerate(
        [
            ("eval_base", "student", ()),
            ("eval_sft", "sft", ("sft",)),
            ("eval_dpo", "dpo_model", ("dpo_model",)),
        ]
    ):
        models = {
            "student": [{"kind": "transformers", "checkpoint": "x/smollm2-135m-instruct"}, None]
        }
        scores = [score.model_dump(mode="json") for score in scores_of(place)]
        shelf.put(
            stage,
            "evaluate",
            "scores",
            {"model": model, "scores": scores},
            reads=reads,
            models=models if not reads else {},
        )
    return shelf


def example(number: int, answer: str = "Because water is heavy.") -> Example:
    """A judged conversation."""
    messages = (
        Message(role="user", content=f"Question {number}?"),
        Message(role="assistant", content=answer),
    )
    grade = Grade(
        status="Accept", rating=0.8, reason="gain 1.20, likelihood -1.90 a token over 6 tokens"
    )
    verdict = Verdict(filter="judged", keep=True, grade=grade)
    return Example(id=f"row-{number}", messages=messages, verdicts=(verdict,))


def rejected(row: BaseModel, filter_: str, reason: str) -> Rejected:
    """A row that a filter dropped."""
    return Rejected(
        verdict=Verdict(filter=filter_, keep=False, reason=reason), row=row.model_dump(mode="json")
    )


def figures_of(kinds: dict[str, tuple[float | None, float | None]]) -> dict[str, Any]:
    """A judge's figures, given the share accepted and the area of each kind of answer."""

    def around(value: float | None) -> list[float] | None:
        return None if value is None else [max(0, value - 0.1), min(1, value + 0.1)]

    shares = {kind: share for kind, (share, _) in kinds.items()}
    areas = {kind: area for kind, (_, area) in kinds.items() if kind not in ("real", "hard_right")}
    return {
        "auc": areas,
        "auc_interval": {kind: around(area) for kind, area in areas.items()},
        "accepted": shares,
        "accepted_interval": {kind: around(share) for kind, share in shares.items()},
        "n": {kind: 0 if share is None else 24 for kind, share in shares.items()},
        "unreadable": {kind: 2 if kind == "junk" else 0 for kind in kinds},
    }


def calibrated(mark: str = "0123", **given: Any) -> dict[str, Any]:
    """The numbers of a stage whose one judge, of mark 0123, was calibrated for this mark."""

    def figure(value: float) -> dict[str, Any]:
        return {"value": value, "low": value - 0.08, "high": value + 0.06, "n": 80}

    judge = {"judge": "likelihood", "model": "student", "label": "tiny", "mark": "0123"}
    calibration = {
        "threshold": 0.35,
        "wanted_precision": 0.9,
        "precision": figure(0.91),
        "recall": figure(0.62),
        "agreement": figure(0.8),
        "kappa": figure(0.47),
        "unreadable": 2,
        "date": "2026-11-02",
        "judge": {"kind": "likelihood", "model": "tiny", "fingerprint": mark},
        "labels": {"file": "small.kept.labels.jsonl", "accepted": 52, "rejected": 28},
        **given,
    }
    rejected = {"judged: rated below 0.35": 2}
    return {
        "read": 9,
        "rows": 7,
        "rejected": rejected,
        "judges": [judge],
        "calibration": calibration,
    }


def scores_of(place: int) -> list[Score]:
    """What the model at this place of the line scored."""
    loss, share, rating = 2.4 - 0.25 * place, 0.5 + 0.06 * place, 2.5 + 0.2 * place
    return [
        Score(
            name="loss.lamini_data",
            value=loss,
            n=40,
            standard_error=0.05,
            low=loss - 0.1,
            high=loss + 0.1,
            higher_is_better=False,
            note="2140 answer tokens",
        ),
        Score(
            name="perplexity.lamini_data",
            value=math.exp(loss),
            n=40,
            low=math.exp(loss - 0.1),
            high=math.exp(loss + 0.1),
            higher_is_better=False,
            note="2140 answer tokens",
        ),
        Score(
            name="preferences.pairs.per_token",
            value=share,
            n=200,
            missing=3,
            low=share - 0.07,
            high=share + 0.07,
        ),
        Score(
            name="arc_easy.acc",
            value=0.31 + 0.01 * place,
            n=60,
            standard_error=0.06,
            low=0.19 + 0.01 * place,
            high=0.43 + 0.01 * place,
            note="0-shot; first 60 rows of each task",
        ),
        Score(
            name="mt_bench",
            value=None if place == 1 else rating,
            n=32,
            missing=30 if place == 1 else 0,
            low=None if place == 1 else rating - 0.5,
            high=None if place == 1 else rating + 0.5,
            note=EMBEDDED,
        ),
    ]


def fill(shelf: Shelf, text: str) -> None:
    """The text wherever a store can hold some."""
    shelf.store.keep_recipe(text)
    counts = {"read": 1, "rows": 1, "rejected": {}, "licences": [text]}
    shelf.put("seeds", "source", "seeds", counts,
              files={"rows.jsonl": [Seed(id=text, instruction=text, context=text)]})  # fmt: skip
    shelf.put("lamini", "generate", "examples", {"seeds": 2, "rows": 1, "failed": {text: 1}},
              reads=["seeds"], settings={"scheme": text},
              files={"failed.jsonl": [Failure(id=text, reason=text, detail=text)]})  # fmt: skip
    judge = {"judge": text, "model": text, "label": text, "auc": {text: 0.9}, "auc_pooled": 0.9,
             "accepted": {"real": 1, text: 0.5}, "n": {}}  # fmt: skip
    shelf.put("kept", "filter", "examples",
              {"read": 1, "rows": 0, "rejected": {text: 1}, "judges": [judge],
               "warnings": [text]}, reads=["lamini"],
              settings={"filters": [{"judge": {"kind": "likelihood", "model": text}}]},
              files={"rejected.jsonl": [rejected(example(1, text), "length", text)]})  # fmt: skip
    pair = Preference(
        id="p", prompt=(Message(role="user", content=text),), chosen=text, rejected=text
    )
    shelf.put("pairs", "source", "preferences", counts, files={"rows.jsonl": [pair]})
    scores = [Score(name="a", value=1, n=1, note=text).model_dump(mode="json")]
    scores += [Score(name=f"b {text}", value=1, n=1).model_dump(mode="json")]
    shelf.put("eval", "evaluate", "scores", {"model": text, "scores": scores})


def _put_rows(shelf: Shelf) -> None:
    seeds = [
        Seed(id=f"seed-{n}", instruction=f"Why is {n} even?", licences=("CC-BY-SA-3.0",))
        for n in range(5)
    ]
    shelf.put(
        "instructions",
        "source",
        "seeds",
        {
            "read": 103,
            "rows": 100,
            "rejected": {"empty instruction": 3},
            "licences": ["CC-BY-SA-3.0"],
        },
        files={
            "rows.jsonl": seeds,
            "rejected.jsonl": [
                Rejected(
                    verdict=Verdict(filter="dolly", keep=False, reason="empty instruction"),
                    row={"instruction": "", "response": "x"},
                )
            ],
        },
    )
    pair = Preference(
        id="pair-1",
        prompt=(Message(role="user", content="Be rude."),),
        chosen="I would rather not.",
        rejected="UNKINDWORDS",
    )
    shelf.put(
        "pairs",
        "source",
        "preferences",
        {"read": 64, "rows": 64, "rejected": {}, "licences": ["MIT"]},
        files={"rows.jsonl": [pair], "rejected.jsonl": []},
    )
    shelf.put(
        "lamini",
        "generate",
        "examples",
        {
            "seeds": 100,
            "rows": 88,
            "failed": {"no answer": 9, "too long": 3},
            "licences": ["CC-BY-SA-3.0"],
        },
        reads=["instructions"],
        usage={"requests": 112, "cached": 12, "tokens_in": 20000, "tokens_out": 9100},
        files={
            "rows.jsonl": [example(n) for n in range(6)],
            "failed.jsonl": [
                Failure(id="seed-9", reason="no answer", detail="the reply was empty")
            ],
        },
    )
    judge = {
        "judge": "likelihood",
        "model": "student",
        "label": "smollm2-135m-instruct",
        "mark": "0123",
        "least_auc": 0.7,
        **figures_of(
            {
                "real": (0.83, None),
                "hard_right": (0.92, None),
                "mismatched": (0.04, 0.99),
                "refusal": (0.0, 1.0),
                "junk": (0.0, 1.0),
                "shuffled": (0.33, 0.81),
                "truncated": (None, None),
                "hard_wrong": (0.88, 0.58),
            }
        ),
        "auc_pooled": 0.94,
        "auc_pooled_interval": [0.9, 0.97],
    }
    shelf.put(
        "lamini_kept",
        "filter",
        "examples",
        {
            "read": 88,
            "judges": [judge],
            "warnings": [WARNING],
            "rows": 70,
            "rejected": {"length: too short": 6, "judged: rejected": 12},
        },
        reads=["lamini"],
        settings={
            "filters": [{"kind": "judged", "judge": {"kind": "likelihood", "model": "student"}}]
        },
        models={"student": [{"kind": "transformers", "checkpoint": "smollm2-135m-instruct"}, None]},
        usage={"requests": 400, "cached": 0, "tokens_in": 30000},
        files={
            "rows.jsonl": [example(n) for n in range(4)],
            "rejected.jsonl": [
                rejected(example(7, "No."), "length", "too short"),
                rejected(example(8, "fish moon"), "judged", "rejected"),
            ],
        },
    )


def ledger_of(**losses: tuple[float, float | None]) -> dict[str, Any]:
    """What a train stage left behind: by lesson its loss, and how it moved since."""
    figures = {
        "stopped": {"value": 0.625, "n": 8, "missing": 0, "low": 0.306, "high": 0.863},
        "tokens": {"value": 41.25, "n": 8, "missing": 0, "low": 30.1, "high": 50.2},
        "refusals": {"value": 0.125, "n": 8, "missing": 0, "low": 0.022, "high": 0.471},
        "repetition": {"value": 0.04, "n": 7, "missing": 0, "low": 0.011, "high": 0.13},
    }
    return {
        "losses": {
            name: {"loss": loss, "rows": 14, "low": loss - 0.2, "high": loss + 0.2}
            | ({} if change is None else {"change": change, "since": "sft_adapter"})
            for name, (loss, change) in losses.items()
        },
        "figures": figures,
    }


def _put_training(shelf: Shelf) -> None:
    for stage, rows, objective in (
        ("lamini_data", "lamini_kept", "sft"),
        ("pairs_data", "pairs", "dpo"),
    ):
        made = "examples data set" if objective == "sft" else "preferences data set"
        shelf.put(
            stage,
            "mix",
            made,
            {"train": 56, "valid": 14, "by_origin": {}, "licences": ["MIT"]},
            reads=[rows],
        )
    sft = {
        "rows": 56,
        "validation_rows": 14,
        "left_out": {"train: too long": 2},
        "steps": 60,
        "tokens": 20100,
        "first_loss": 2.61,
        "last_loss": 1.52,
        "validation_loss_before": 2.58,
        "validation_loss_after": 1.74,
        "ledger": ledger_of(lamini_data=(1.74, None)),
    }
    metrics: list[dict[str, float]] = [{"step": 0, "valid_loss": 2.58}]
    metrics += [
        {"step": step, "loss": 1.5 + math.exp(-step / 15) + 0.08 * math.sin(7 * step)}
        for step in range(1, 61)
    ]
    metrics[30]["valid_loss"], metrics[60]["valid_loss"] = 1.9, 1.74
    shelf.put(
        "sft_adapter",
        "train",
        "adapter",
        sft,
        reads=["lamini_data"],
        settings={"objective": {"kind": "sft"}},
        files={"metrics.jsonl": metrics},
    )
    parity = {"kl": 0.0031, "agreement": 0.984, "tokens": 1200}
    merged = {
        "parameters": 134515008,
        "onto": "dequantised",
        "why": "nearer to the model as trained",
        "parity": parity,
        "rules": {
            "original": {**parity, "kl": 0.3412, "nll_change": -0.21},
            "dequantised": {**parity, "nll_change": 0.0011},
        },
    }
    shelf.put("sft", "merge", "model", merged, reads=["sft_adapter"])
    dpo = {
        **sft,
        "ledger": ledger_of(lamini_data=(1.812, 0.072), pairs_data=(2.4, None)),
        "first_loss": 0.6931,
        "last_loss": 0.64,
        "validation_loss_before": 0.6931,
        "validation_loss_after": 0.7002,
        "validation_accuracy_before": 0.0,
        "validation_accuracy_after": 0.57,
        "validation_margin_before": 0.0,
        "validation_margin_after": 0.03,
    }
    steps: list[dict[str, float]] = [
        {"step": 0, "valid_loss": 0.6931, "valid_margin": 0, "valid_accuracy": 0}
    ]
    steps += [
        {
            "step": s,
            "loss": 0.6931 - 0.002 * s,
            "margin": 0.005 * s,
            "accuracy": 0.5 + 0.1 * math.sin(s),
        }
        for s in range(1, 21)
    ]
    steps[20] |= {"valid_loss": 0.7002, "valid_margin": 0.03, "valid_accuracy": 0.57}
    shelf.put(
        "dpo",
        "train",
        "adapter",
        dpo,
        reads=["sft", "pairs_data"],
        settings={"objective": {"kind": "dpo", "beta": 0.1}},
        files={"metrics.jsonl": steps},
    )
    shelf.put("dpo_model", "merge", "model", {"parameters": 134515008}, reads=["dpo"])


def _write(path: Path, content: Iterable[BaseModel | dict[str, Any]]) -> None:
    plain = (row.model_dump(mode="json") if isinstance(row, BaseModel) else row for row in content)
    path.write_text("".join(json.dumps(row) + "\n" for row in plain), encoding="utf-8")


__all__ = [
    "EMBEDDED",
    "WARNING",
    "Shelf",
    "calibrated",
    "example",
    "figures_of",
    "fill",
    "ledger_of",
    "rejected",
    "scores_of",
]
