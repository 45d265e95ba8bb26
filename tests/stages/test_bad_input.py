"""Whatever rows hold and whatever a judge replies, each row ends as kept or rejected, once."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import DataError, StoreError
from openbezoar.jsonl import read
from openbezoar.records import Example, Preference, Rejected
from openbezoar.store import Artifact
from tests.stages.conftest import Run

ROWS = """\
name: bad
models:
  proxy: {kind: scripted, lines: LINES}
stages:
  rows: {kind: source, source: {kind: jsonl, path: FILE, rows: examples}}
  kept: {kind: filter, rows: rows, filters: FILTERS}
"""
FILTERS: list[dict[str, Any]] = [
    {"kind": "length", "answer": {"most_characters": 900_000}},
    {"kind": "refusals"},
    {"kind": "licence", "unknown": "keep"},
    {"kind": "language", "languages": ["en"]},
    {"kind": "duplicates", "of": "instruction and answer"},
    {"kind": "near_duplicates"},
    {"kind": "contamination", "benchmarks": [{"kind": "harness", "data": "sample"}]},
    {"kind": "residue"},
]
JUDGED = [{"kind": "judged", "probes": 0, "judge": {"kind": "acceptance", "model": "proxy"}}]
SAID = "The tide follows the moon, which pulls the water towards it twice a day."
BAD: dict[str, dict[str, Any]] = {
    "sound": {"instruction": "Why are there tides?", "answer": SAID},
    "null answer": {"instruction": "Why?", "answer": None},
    "null turn": {"messages": [{"role": "user", "content": None}, None]},
    "no turns": {"messages": []},
    "no answer": {"messages": [{"role": "user", "content": "Why?"}]},
    "nothing": {},
    "1 MB": {"instruction": "Go on.", "answer": "On and on it goes, ever. " * 42_000},
    "control": {"instruction": "Ring.", "answer": "\x07\x00 \x1b[31mDing, says the bell."},
    "mojibake": {"instruction": "Caf\u00c3\u00a9?", "answer": "Coffee is served all day long."},
    "replaced": {"instruction": "Menu?", "answer": "Cr\ufffdme br\ufffdl\ufffde and coffee."},
    "mixed": {"instruction": "\u4f60\u597d \u202e\u200b", "answer": "\u0416 \u00e9 \U0001f600"},
    "blank": {"instruction": " ", "answer": "\u3000\n"},
}  # fmt: skip
NEVER_ROWS = {"null answer", "null turn", "no turns", "no answer", "nothing", "blank"}


def sort(made: Artifact) -> tuple[set[str], dict[str, str]]:
    """The ids of what was kept, and the reasons of what was rejected, none of them twice."""
    kept = [row.id for row in made.rows(Example)]
    lost = list(read(made.folder / "rejected.jsonl", Rejected))
    reasons = {str(one.row["id"]): f"{one.verdict.filter}: {one.verdict.reason}" for one in lost}
    assert len(kept) + len(lost) == len({*kept, *reasons}) == made.numbers["read"]
    return set(kept), reasons


def recipe(folder: Path, rows: dict[str, dict[str, Any]], filters: Any, lines: Any = ()) -> str:
    path = folder / "rows.jsonl"
    text = "".join(json.dumps({"id": id_, **row}) + "\n" for id_, row in rows.items())
    path.write_text(text, encoding="utf-8")
    script = json.dumps([*lines, {"reply": "So."}])
    filled = ROWS.replace("FILE", str(path)).replace("LINES", script)
    return filled.replace("FILTERS", json.dumps(filters))


@pytest.mark.slow
def test_of_bad_rows_each_is_kept_or_rejected_with_its_reason(run: Run, tmp_path: Path) -> None:
    made = run(recipe(tmp_path, BAD, FILTERS))
    rows, never = sort(made["rows"])
    assert set(never) == NEVER_ROWS
    kept, reasons = sort(made["kept"])
    assert kept == {"sound", "mixed"}
    assert kept | set(reasons) == rows
    assert reasons == {
        "1 MB": "length: answer above 900000 characters",
        "control": "residue: answer: control character",
        "mojibake": "residue: instruction: mojibake",
        "replaced": "residue: answer: replacement character",
    }


PAIRS = """\
name: pairs
stages:
  pairs: {kind: source, source: {kind: jsonl, path: pairs.jsonl, rows: preferences}}
"""
PAIR = {"prompt": "Why are there tides?", "chosen": SAID, "rejected": "No idea."}
DIALOGUE = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": SAID}]
BAD_PAIRS: dict[str, tuple[dict[str, Any], str]] = {
    "same": ({"rejected": SAID}, "identical answers"),
    "blank": ({"rejected": "\n"}, "empty answer"),
    "answered": ({"prompt": DIALOGUE}, "a conversation must end with a turn by user"),
    "dialogues": ({"chosen": DIALOGUE}, "field chosen is not a text"),
    "one-sided": ({"rejected": None}, "field rejected is missing"),
}


def test_of_bad_pairs_each_is_rejected_with_its_reason_and_counted(
    run: Run, tmp_path: Path
) -> None:
    rows = [{"id": "sound", **PAIR}]
    rows += [{"id": id_, **PAIR, **change} for id_, (change, _) in BAD_PAIRS.items()]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "pairs.jsonl").write_text(lines, encoding="utf-8")
    made = run(PAIRS)["pairs"]
    assert [row.id for row in made.rows(Preference)] == ["sound"]
    lost = list(read(made.folder / "rejected.jsonl", Rejected))
    assert [one.row["id"] for one in lost] == [*BAD_PAIRS]
    reasons = [str(one.verdict.reason) for one in lost]
    assert all(why in told for (_, why), told in zip(BAD_PAIRS.values(), reasons, strict=True))
    assert made.numbers["read"] == len(rows)
    assert made.numbers["rejected"] == dict.fromkeys(reasons, 1)


VERDICT = '{"reason": "because", "rating": %d, "status": "%s"}'
GOOD, POOR = VERDICT % (9, "Accept"), VERDICT % (2, "Reject")
REPLIES = {
    "plain": (GOOD, "kept"),
    "in a fence": (f"Let me see.\n```json\n{GOOD}\n```\nThat is all.", "kept"),
    "two verdicts": (f"At first {POOR}, then again {GOOD}", "kept"),
    "two, the last against": (f"{GOOD} No: {POOR}", "judged: rejected"),
    "prose": ("I would accept this answer, 9 of 10.", "judged: unreadable"),
    "out of range": (VERDICT % (11, "Accept"), "judged: unreadable"),
    "another word": (VERDICT % (9, "Maybe"), "judged: unreadable"),
    "cut off": (GOOD[:-4], "judged: unreadable"),
    "nothing at all": ("", "judged: unreadable"),
}


def test_whatever_a_judge_replies_each_row_is_kept_or_rejected(run: Run, tmp_path: Path) -> None:
    rows = {name: {"instruction": f"About {name}?", "answer": SAID} for name in REPLIES}
    script = [
        {"match": f"About {name}\\?", "reply": reply.replace("\\", "\\\\")}
        for name, (reply, _) in REPLIES.items()
    ]
    kept, reasons = sort(run(recipe(tmp_path, rows, JUDGED, script))["kept"])
    assert {name: reasons.get(name, "kept") for name in rows} == {
        name: outcome for name, (_, outcome) in REPLIES.items()
    }
    assert kept == {name for name, (_, outcome) in REPLIES.items() if outcome == "kept"}


LATE = """\
name: late
models:
  teacher: {kind: scripted, lines: [{match: "", reply: "An answer of some words."}]}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions, limit: 4}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}}
  late: {kind: source, source: SOURCE}
"""
OWN = "{kind: jsonl, path: late.jsonl, rows: preferences}"


@pytest.mark.parametrize(
    ("source", "content", "complaint"),
    [
        (OWN, None, "stages.late: late.jsonl: no such file"),
        (OWN, "", "stages.late: the source gave no usable row"),
        (OWN, '{"prompt": "a"}', "stages.late: .* 'field chosen is missing'"),
        ("{kind: dolly}", None, "stages.late: dolly/.* `bezoar data pull dolly` fetches it"),
    ],
    ids=["absent", "empty", "other fields", "not pulled"],
)
def test_a_later_source_that_cannot_be_read_is_refused_before_anything_is_made(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, content: str | None,
    complaint: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path / "none"))
    if content is not None:
        (tmp_path / "late.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=complaint):
        run(LATE.replace("SOURCE", source))
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["lock"]


@pytest.mark.parametrize("change", ["altered", "gone"])
def test_a_stage_refuses_rows_that_are_not_as_they_were_made(
    run: Run, tmp_path: Path, change: str
) -> None:
    text = LATE.replace("  late: {kind: source, source: SOURCE}\n", "")
    made = run(text)
    rows = made["seeds"].folder / "rows.jsonl"
    content = rows.read_text(encoding="utf-8")
    if change == "gone":
        rows.unlink()
    else:
        rows.write_text(content.replace('"instruction":"', '"instruction":"My '), encoding="utf-8")
    run(text)  # nothing is read again
    with pytest.raises(StoreError, match=f"^{rows}: is not .*; remove {rows.parent} and"):
        run(text, "stages.rows.limit=2")
    shutil.rmtree(rows.parent)
    run(text, "stages.rows.limit=2")
    assert rows.read_text(encoding="utf-8") == content
