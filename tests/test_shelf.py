"""What a store holds, told to people without letting text touch their terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from openbezoar import jsonl, shelf
from openbezoar.component import digest
from openbezoar.errors import DataError, StoreError
from openbezoar.records import Example, Rejected, Verdict
from openbezoar.store import Artifact, Manifest, Store
from tests.conftest import turns

HEADLINES: dict[str, tuple[dict[str, Any], str]] = {
    "source": ({"read": 1, "rows": 1}, "1 of 1 row"),
    "filter": ({"read": 3, "rows": 2}, "2 of 3 rows"),
    "generate": (
        {"rows": 5, "seeds": 4, "failed": {"empty": 1, "cut": 2}},
        "5 rows from 4 seeds, 3 failed",
    ),
    "mix": ({"train": 9, "valid": 1}, "9 rows to train on, 1 to validate"),
    "merge": (
        {
            "parameters": 3_400_000_000,
            "onto": "original",
            "parity": {"kl": 0.00123, "tokens": 1200},
        },
        "3400M parameters onto the original weights, "
        "KL to the adapted model 0.00123 over 1,200 tokens",
    ),
    "evaluate": ({"scores": [{}, {}], "model": "sft"}, "2 scores of sft"),
    "train": ({"first_loss": 2.0, "last_loss": 1.5, "steps": 3}, "loss 2.000 to 1.500"),
}


def make(
    root: Path, kind: str, numbers: dict[str, Any], stage: str = "rows", **run: Any
) -> Artifact:
    store = Store(root)
    folder = store.begin(stage, "0" * 64)
    example = Example(id="a", messages=turns("Why?", "Because."))
    dropped = example.model_dump(mode="json")
    verdicts = [
        Rejected(verdict=Verdict(filter="length", keep=False, reason=reason), row=dropped)
        for reason in ("too short", "too long")
    ]
    jsonl.write(folder / "rows.jsonl", [example])
    jsonl.write(folder / "rejected.jsonl", verdicts)
    manifest = Manifest(
        stage=stage, kind=kind, makes="examples", fingerprint="0" * 64, science={}, inputs={},
        numbers=numbers, files={}, run={"seconds": 1.5, "finished": "1", **run},
    )  # fmt: skip
    return store.commit(folder, manifest)


@pytest.mark.parametrize("kind", HEADLINES)
def test_every_kind_of_stage_has_a_headline(tmp_path: Path, kind: str) -> None:
    numbers, headline = HEADLINES[kind]
    make(tmp_path, kind, numbers)
    assert shelf.overview(Store(tmp_path).artifacts()) == [
        {"stage": "rows", "kind": kind, "fingerprint": "0" * 12, "state": None,
         "result": headline,
         "seconds": 1.5, "peak_mb": None, "usd": None}
    ]  # fmt: skip


def test_of_a_stage_all_artifacts_but_the_newest_are_marked(tmp_path: Path) -> None:
    first = make(tmp_path / "a", "mix", {"train": 1, "valid": 0})
    other = make(tmp_path / "b", "mix", {"train": 1, "valid": 0}, stage="other")
    second = make(tmp_path / "c", "mix", {"train": 2, "valid": 0})
    told = [(row["stage"], row["state"]) for row in shelf.overview([first, other, second])]
    assert told == [("rows", "superseded"), ("other", None), ("rows", None)]


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({}, None),
        ({"requests": 3}, None),
        ({"usd": 0.0}, 0),
        ({"usd": 1.234567}, 1.2346),
        ({"unpriced": 1}, "unknown"),
        ({"usd": 1.2, "unpriced": 1}, "unknown"),
    ],
)
def test_a_cost_is_a_sum_or_unknown_or_absent(
    tmp_path: Path, usage: dict[str, float], usd: object
) -> None:
    made = make(tmp_path, "mix", {"train": 1, "valid": 1}, usage=usage)
    assert shelf.cost(made) == usd


def test_a_broken_or_unfinished_artifact_is_told_and_hides_no_other_stage(tmp_path: Path) -> None:
    made = make(tmp_path, "mix", {"train": 1, "valid": 1})
    stage, store = made.manifest.stage, Store(tmp_path)
    (tmp_path / f"other-{'0' * 12}").mkdir()
    (tmp_path / f"other-{'0' * 12}" / "manifest.json").write_text("{")
    store.begin("begun", "1" * 64)
    assert shelf.latest(store, stage) == made
    with pytest.raises(StoreError, match=r"other-0.*broken manifest; remove its folder"):
        shelf.latest(store, "other")
    with pytest.raises(StoreError, match="stage 'begun' is not finished; run its recipe again"):
        shelf.latest(store, "begun")
    manifest = json.loads((made.folder / "manifest.json").read_text()) | {"format": 99}
    (made.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match="written by a newer version; upgrade openbezoar"):
        shelf.latest(store, stage)


def test_a_misspelt_stage_gets_the_nearest(tmp_path: Path) -> None:
    make(tmp_path, "mix", {"train": 1, "valid": 1})
    with pytest.raises(StoreError, match=r"holds no stage 'rosw' \(did you mean 'rows'\?\)"):
        shelf.latest(Store(tmp_path), "rosw")


def test_rejected_rows_can_be_chosen_by_reason(tmp_path: Path) -> None:
    artifact = make(tmp_path, "filter", {"read": 3, "rows": 1})
    assert [row["id"] for row in shelf.rows(artifact, "rows")] == ["a"]
    found = list(shelf.rows(artifact, "rejected", "long"))
    assert [row["verdict"]["reason"] for row in found] == ["too long"]
    with pytest.raises(DataError, match="holds no failed"):
        list(shelf.rows(artifact, "failed"))


def test_a_reason_is_chosen_as_it_was_counted(tmp_path: Path) -> None:
    counts = {"length: too long": 1, "length: too short": 3, "refusals: apology": 1}
    artifact = make(tmp_path, "filter", {"read": 6, "rows": 1, "rejected": counts})
    assert shelf.reasons(artifact, "rejected") == [
        {"rows": 3, "rejected": "length: too short"},
        {"rows": 1, "rejected": "length: too long"},
        {"rows": 1, "rejected": "refusals: apology"},
    ]
    (one,) = shelf.reasons(artifact, "rejected", "length: too l")
    assert one["rejected"] == "length: too long"
    (row,) = shelf.rows(artifact, "rejected", "length: too l")
    assert row["verdict"]["reason"] == "too long"
    assert shelf.reasons(artifact, "rows") == []


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"id": "a", "messages": [{"role": "user", "content": "Why?"}]}, "# a\nuser: Why?"),
        ({"id": "a", "instruction": "Why?", "context": ""}, "# a\ninstruction: Why?"),
        (
            {"verdict": {"filter": "length", "reason": "too long"}, "row": {"id": "a"}},
            "[length: too long]\n# a",
        ),
        (
            {
                "verdict": {"filter": "jsonl", "reason": "field instruction is missing"},
                "row": {"quetsion": "Why?", "level": 3, "rejected_at": "mine.jsonl:7"},
            },
            "[jsonl: field instruction is missing]\n# no id, at mine.jsonl:7\n"
            "quetsion: Why?\nlevel: 3",
        ),
        (
            {
                "verdict": {"filter": "jsonl", "reason": "empty answer"},
                "row": {"id": 4, "messages": [], "answer": "", "rejected_at": "mine.jsonl:8"},
            },
            "[jsonl: empty answer]\n# 4, at mine.jsonl:8\nmessages: []\nanswer: ",
        ),
        ({"id": "a", "prompt": "Why?", "value": 3}, "# a\nprompt: Why?\nvalue: 3"),
        ({"id": "a", "reason": "empty", "detail": "x"}, "# a\nreason: empty\ndetail: x"),
    ],
)
def test_a_row_is_readable(row: dict[str, Any], text: str) -> None:
    assert shelf.readable(row) == text


def test_text_from_models_cannot_touch_the_terminal() -> None:
    shown = shelf.readable({"id": "a", "instruction": "x\x1b[31m\r\u202ey\tz"})
    assert shown == "# a\ninstruction: x\\x1b[31m\\r\\u202ey\tz"


def commit(store: Store, stage: str, kind: str, **told: Any) -> None:
    """An artifact whose fingerprint is its stage's digest, made in the order of the calls."""
    place = len(store.artifacts())
    manifest = Manifest(
        stage=stage, kind=kind, makes="examples", fingerprint=digest(stage),
        science={"settings": told["settings"]}, files={}, run={"finished": str(place)},
        inputs={name: digest(name) for name in told["reads"]}, numbers=told["numbers"],
    )  # fmt: skip
    store.commit(store.begin(stage, manifest.fingerprint), manifest)


GENERATED: dict[str, Any] = {
    "reads": [],
    "settings": {"scheme": {"kind": "evol_instruct"}},
    "numbers": {
        "draws": 8, "requests": 20, "rows": 5, "parsed": 7,
        "failed": {"empty answer": 1, "no information gain": 2},
        "eliminated": {"no information gain": 2},
    },
}  # fmt: skip


def lines(store: Store) -> list[tuple[str, str, int]]:
    return [(step["step"], step["by"], step["rows"]) for step in shelf.funnel(store.artifacts())]


def test_a_funnel_goes_from_what_was_asked_to_what_every_filter_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    commit(store, "evol", "generate", **GENERATED)
    filters = [{"kind": "length"}, {"kind": "refusals"}]
    rejected = {"length: too long": 1, "refusals: refusal": 1}
    commit(store, "kept", "filter", reads=["evol"], settings={"filters": filters},
           numbers={"read": 5, "rows": 3, "rejected": rejected})  # fmt: skip
    commit(store, "new", "filter", reads=["kept"], settings={"filters": [{"kind": "duplicates"}]},
           numbers={"read": 3, "rows": 3, "rejected": {}})  # fmt: skip
    assert lines(store) == [
        ("draws", "", 8),
        ("requests", "", 20),
        ("returned", "", 8),
        ("unusable", "empty answer", 1),
        ("parsed", "", 7),
        ("eliminated", "no information gain", 2),
        ("made", "", 5),
        ("rejected", "length: too long", 1),
        ("kept", "kept: length", 4),
        ("rejected", "refusals: refusal", 1),
        ("kept", "kept: refusals", 3),
        ("kept", "new: duplicates", 3),
    ]


def test_a_funnel_leaves_out_the_filters_of_other_rows(tmp_path: Path) -> None:
    store = Store(tmp_path)
    commit(store, "evol", "generate", **GENERATED)
    commit(store, "kept", "filter", reads=["orca"], settings={"filters": [{"kind": "length"}]},
           numbers={"read": 5, "rows": 5, "rejected": {}})  # fmt: skip
    assert lines(store)[-1] == ("made", "", 5)


def test_a_stage_of_an_older_version_has_a_shorter_funnel(tmp_path: Path) -> None:
    store = Store(tmp_path)
    numbers = {"seeds": 4, "rows": 3, "failed": {"empty answer": 1}}
    commit(store, "evol", "generate", **GENERATED | {"numbers": numbers})
    assert lines(store) == [
        ("returned", "", 4),
        ("failed", "empty answer", 1),
        ("made", "", 3),
    ]


@pytest.mark.parametrize("science", [None, [], {}])
def test_a_stage_that_does_not_say_how_it_was_made_has_no_funnel_and_is_named(
    tmp_path: Path, science: Any
) -> None:
    store = Store(tmp_path)
    commit(store, "evol", "generate", **GENERATED)
    (path,) = tmp_path.glob("evol-*/manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"science": science}))
    with pytest.raises(StoreError, match=r"evol-\w+: does not say how it was made; remove it and"):
        lines(store)


@pytest.mark.parametrize(
    "text", ["\u0645\u06cc\u200c\u062e", "👩\u200d🔬", "12\u00a0€", "日本\u3000語"]
)
def test_what_people_write_is_shown_as_it_is(text: str) -> None:
    assert shelf.visible(text) == text


@pytest.mark.parametrize("one", ["\x1b", "\x00", "\r", "\u202e", "\u2066", "\u2028", "\ud800"])
def test_what_steers_a_screen_is_made_visible(one: str) -> None:
    assert shelf.visible(f"a{one}b") == f"a{repr(one)[1:-1]}b"
