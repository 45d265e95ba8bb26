"""What lm-eval's tasks are called."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from openbezoar.errors import ConfigError
from openbezoar.evaluations import task_names
from openbezoar.evaluations.task_names import check_known, folder_of, package


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache with nothing in it, and nothing remembered from another."""
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path))
    task_names._names.cache_clear()
    yield tmp_path
    task_names._names.cache_clear()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sciq", "a task"),
        ("mmlu_stem", "a group"),
        ("glue-inheritance-free", "nothing"),
        ("ai2_arc", "a tag"),
        ("acp_bench_hard", "a tag of a file that others include"),
        ("AraDiCE_ArabicMMLU_high_humanities_history_egy", "a task whose keys are quoted"),
    ],
)
def test_tasks_groups_and_tags_are_known_and_nothing_else(name: str, kind: str) -> None:
    if kind == "nothing":
        with pytest.raises(ConfigError):
            check_known(name)
    else:
        check_known(name)


@pytest.mark.parametrize("name", ["", "..", "/etc/passwd", "a\0b", "x" * 5000, "arc_easy\n"])
def test_a_hostile_name_is_no_task(name: str) -> None:
    with pytest.raises(ConfigError, match="lm-eval has no task"):
        check_known(name)


def test_the_names_are_read_once_and_kept_for_the_version(own_cache: Path) -> None:
    check_known("sciq")
    [kept] = own_cache.iterdir()
    names = json.loads(kept.read_text(encoding="utf-8"))
    assert len(names) > 10_000
    kept.write_text(json.dumps({"ours": "ours/ours.yaml"}), encoding="utf-8")
    task_names._names.cache_clear()
    check_known("ours")


@pytest.mark.parametrize("content", ["{", "null"])
def test_a_broken_list_of_names_is_read_anew(own_cache: Path, content: str) -> None:
    place = own_cache / f"lm_eval-{task_names.version()}-tasks.json"
    place.write_text(content, encoding="utf-8")
    check_known("sciq")


def test_a_task_and_a_group_lie_in_a_folder_and_a_tag_in_none() -> None:
    home = package()
    assert home is not None
    assert folder_of("sciq") == home / "tasks" / "sciq"
    assert folder_of("mmlu") == home / "tasks" / "mmlu" / "default"
    assert folder_of("ai2_arc") is None
