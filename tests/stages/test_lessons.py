"""The train stages behind a model are found through merges, and their rows in order."""

from pathlib import Path
from typing import Any

import pytest

from openbezoar.families import Bench
from openbezoar.records import Example
from openbezoar.stages.lessons import lessons_behind, sequences
from openbezoar.store import Artifact, Manifest
from openbezoar.training.format import Format
from tests.conftest import turns


class Shelf:
    """Finished artifacts, by name and by fingerprint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: dict[str, Artifact] = {}

    def put(self, name: str, makes: str, reads: tuple[str, ...] = (), **settings: Any) -> Artifact:
        """Add one; `ledger` among the settings goes to its numbers."""
        ledger = settings.pop("ledger", {})
        manifest = Manifest(
            stage=name, kind="", makes=makes, fingerprint=f"print of {name}",
            science={"settings": settings}, files={}, run={}, numbers={"ledger": ledger},
            inputs={read: f"print of {read}" for read in reads},
        )  # fmt: skip
        self.made[name] = Artifact(self.folder / name, manifest)
        return self.made[name]

    def learn(self, name: str, start: str, data: str, ledger: Any = None) -> None:
        """Add a train stage on top of `start`, a checkpoint where nothing of that name is made."""
        reads = tuple(one for one in (start, data) if one in self.made)
        self.put(
            name, "adapter", reads, start=start, data=data, precision="nf4",
            optimisation={"max_tokens": 900}, ledger=ledger or {},
        )  # fmt: skip

    def bench(self) -> Bench:
        """A stage that reads all of them."""

        def refuse(*_: Any) -> Any:
            raise AssertionError("no model is opened to look back")

        return Bench(
            stage="here", seed=0, folder=self.folder, scratch=self.folder, inputs=self.made,
            specs={}, open_model=refuse, open_checkpoint=refuse, say=lambda text: None,
            find={one.manifest.fingerprint: one for one in self.made.values()}.__getitem__,
        )  # fmt: skip


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_every_lesson_behind_a_model_is_found_the_first_one_first(shelf: Shelf) -> None:
    for data in ("one", "two", "three"):
        shelf.put(data, "examples data set")
    shelf.learn("first", "student", "one", ledger={"losses": {"one": {"loss": 1.5}}})
    shelf.learn("second", "first", "two")
    shelf.put("merged", "model", ("second",), adapter="second")
    shelf.learn("third", "merged", "three")
    found = lessons_behind("third", shelf.bench())
    assert [(lesson.stage, lesson.data) for lesson in found] == [
        ("first", "one"), ("second", "two"), ("third", "three")
    ]  # fmt: skip
    assert [lesson.stage for lesson in lessons_behind("merged", shelf.bench())] == [
        "first", "second"
    ]  # fmt: skip
    assert found[0].ledger == {"losses": {"one": {"loss": 1.5}}}
    assert found[0].rows is shelf.made["one"]
    assert lessons_behind("student", shelf.bench()) == []


def test_rows_that_cannot_be_learned_do_not_count(shelf: Shelf, tiny_checkpoint: Path) -> None:
    data = shelf.put("data", "examples data set")
    data.folder.mkdir()
    answers = ("yes", "no " * 500, "maybe", "never")
    rows = [
        Example(id=str(place), messages=turns("Why?", answer))
        for place, answer in enumerate(answers)
    ]
    text = "".join(row.model_dump_json() + "\n" for row in rows)
    (data.folder / "valid.jsonl").write_text(text, encoding="utf-8")
    format_ = Format.for_training(tiny_checkpoint)
    found = sequences(data, "valid", format_, (2, 900))
    ends = [format_.tokenizer.decode(sequence.ids).rpartition("\n")[2] for sequence in found]
    assert ends == ["yes</s>", "maybe</s>"]
