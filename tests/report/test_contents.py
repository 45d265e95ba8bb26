"""What a report finds in a store."""

import json
import os

from openbezoar.report.contents import gather
from tests.report.conftest import Shelf

COUNTS = {"read": 5, "rows": 5, "rejected": {}}


def test_only_the_newest_artifact_of_a_stage_is_told(shelf: Shelf) -> None:
    shelf.put("seeds", "source", "seeds", COUNTS, settings={"limit": 5})
    newer = shelf.put("seeds", "source", "seeds", COUNTS, settings={"limit": 6})
    contents = gather(shelf.store)
    assert [made.fingerprint for made in contents.latest] == [newer.manifest.fingerprint]
    assert len(contents.by_print) == 2


def test_stages_stand_in_the_order_of_making(line: Shelf) -> None:
    assert [made.name for made in gather(line.store).latest] == list(line.made)


def test_an_artifact_made_from_an_earlier_input_says_so(shelf: Shelf) -> None:
    shelf.put("seeds", "source", "seeds", COUNTS, settings={"limit": 5})
    shelf.put("kept", "filter", "seeds", COUNTS, reads=["seeds"])
    shelf.put("seeds", "source", "seeds", COUNTS, settings={"limit": 6})
    contents = gather(shelf.store)
    kept = next(made for made in contents.latest if made.name == "kept")
    assert contents.stale(kept) == ["seeds"]


def test_everything_upstream_is_met_once(line: Shelf) -> None:
    contents = gather(line.store)
    scores = next(made for made in contents.latest if made.name == "eval_dpo")
    names = [made.name for made in contents.upstream(scores)]
    assert sorted(names) == sorted(set(line.made) - {"eval_base", "eval_sft", "eval_dpo"})


def test_numbers_that_are_not_those_of_the_kind_are_broken(shelf: Shelf) -> None:
    made = shelf.put("sft", "train", "adapter", {"rows": "many"})
    contents = gather(shelf.store)
    assert contents.latest == []
    assert "rows" in contents.broken[made.folder.name]


def test_a_kind_that_is_not_known_is_still_listed(shelf: Shelf) -> None:
    shelf.put("distil", "distillation", "adapter", {"anything": 1})
    assert [(made.name, made.headline) for made in gather(shelf.store).latest] == [("distil", "")]


def test_a_folder_without_a_manifest_is_broken(shelf: Shelf) -> None:
    (shelf.store.root / f"seeds-{12 * 'a'}").mkdir()
    (shelf.store.root / "notes").mkdir()
    assert list(gather(shelf.store).broken) == [f"seeds-{12 * 'a'}"]


def test_a_manifest_of_a_newer_version_is_named(shelf: Shelf) -> None:
    made = shelf.put("seeds", "source", "seeds", COUNTS)
    path = made.folder / "manifest.json"
    content = json.loads(path.read_text(encoding="utf-8")) | {"format": 99}
    path.write_text(json.dumps(content), encoding="utf-8")
    assert "newer version" in gather(shelf.store).broken[made.folder.name]


def test_an_unfinished_folder_is_not_broken(shelf: Shelf) -> None:
    shelf.store.keep_recipe("stages: {orca: {kind: generate}}")
    folder = shelf.store.begin("orca", "d" * 64)
    contents = gather(shelf.store)
    (begun,) = contents.unfinished
    assert (begun.folder, begun.name, begun.fingerprint) == (folder, "orca", 12 * "d")
    assert (begun.kind, begun.stopped, contents.broken) == ("generate", "", {})


def test_an_unfinished_folder_says_when_it_was_written_last(shelf: Shelf) -> None:
    folder = shelf.store.begin("sft", "d" * 64)
    (folder / "scratch").mkdir()
    (folder / "scratch" / "metrics.jsonl").touch()
    for path, when in (("scratch/metrics.jsonl", 1e9), ("scratch", 9e8), (".", 9e8)):
        os.utime(folder / path, (when, when))
    assert gather(shelf.store).unfinished[0].written == "2001-09-09T01:46:40+00:00"


def test_a_model_is_named_by_its_checkpoint_without_folders(line: Shelf) -> None:
    scores = next(made for made in gather(line.store).latest if made.name == "eval_base")
    assert scores.model("student") == "smollm2-135m-instruct"
    assert scores.model("teacher") == ""
