"""The items of tasks hold what gives them away, under the ids that evaluations record."""

import json
from pathlib import Path

import pytest

from openbezoar.evaluations.harness import Harness
from openbezoar.evaluations.hub_tasks import manager_of
from openbezoar.evaluations.lm_harness import quiet
from openbezoar.evaluations.local_tasks import prepare
from openbezoar.evaluations.mt_bench import MtBench
from openbezoar.evaluations.perplexity import Perplexity
from openbezoar.evaluations.preferences import Preferences
from openbezoar.evaluations.task_files import SAMPLE, TASKS
from openbezoar.evaluations.task_items import items_of, items_of_loaded
from openbezoar.families import Item


@pytest.fixture
def with_data(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))


def test_our_own_rows_are_items_with_answer_and_choices(tmp_path: Path) -> None:
    first, *rest = items_of(SAMPLE, tmp_path)
    assert first == Item(
        "sample_choices",
        "sample_choices.0",
        ("What would make sugar dissolve fastest?",),
        "hot water and stirring",
        (
            "hot water and stirring",
            "a dry cup standing in the sunshine for an hour",
            "cold water and no stirring",
            "ice cubes and a large lump of sugar",
        ),
    )
    assert len(rest) == 59


@pytest.mark.usefixtures("with_data")
@pytest.mark.parametrize("name", TASKS)
def test_every_local_task_gives_its_items(name: str, tmp_path: Path) -> None:
    items = list(items_of(name, tmp_path))
    assert [item.id for item in items] == [f"{name}.{place}" for place in range(len(items))]
    assert all(item.benchmark == name and all(item.texts) for item in items)
    assert all(item.answer in item.choices for item in items if item.choices)


@pytest.mark.usefixtures("with_data")
def test_the_rows_to_measure_on_count_not_those_for_examples(tmp_path: Path) -> None:
    assert len(list(items_of("arc_easy", tmp_path))) == 2376, "the test rows, not the 570 others"


@pytest.mark.usefixtures("with_data")
def test_a_subject_of_mmlu_is_itself_and_a_group_is_all_of_it(tmp_path: Path) -> None:
    anatomy = list(items_of("mmlu_anatomy", tmp_path))
    stem = list(items_of("mmlu_stem", tmp_path))
    assert {item.id.split(".")[0] for item in anatomy} == {"mmlu_anatomy"}
    assert len(stem) == 14042
    assert {item.id for item in anatomy} < {item.id for item in stem}
    assert {item.benchmark for item in stem} == {"mmlu_stem"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [SAMPLE, "winogrande", "boolq", "truthfulqa_mc1"])
@pytest.mark.usefixtures("with_data")
def test_loaded_tasks_give_the_items_of_the_local_ones(name: str, tmp_path: Path) -> None:
    """What comes from the hub is read through lm-eval; here its tasks are put on local rows."""
    prepared = prepare(name, tmp_path)
    assert prepared is not None
    with quiet(tmp_path / "log.txt"):
        loaded = manager_of(prepared.folders).load([name])["tasks"]
        found = list(items_of_loaded(name, loaded))
    local = list(items_of(name, tmp_path))
    assert [item.id for item in found] == [item.id for item in local]
    key = local[3].texts[0].split(" _ ")[0]
    assert key in found[3].texts[0]
    assert "Dwight" not in found[3].texts[0], "solved examples of a prompt are no part of an item"


def test_a_harness_names_each_benchmark_once_whatever_its_settings() -> None:
    asked = Harness(tasks=("copa", "rte"), chat_template="both", shots=2, limit=1)
    assert list(asked.benchmarks()) == ["copa", "rte"]
    assert asked.benchmarks() == Harness(tasks=("copa", "rte")).benchmarks()


@pytest.mark.usefixtures("with_data")
def test_the_digests_of_the_files_are_part_of_a_benchmark(data_folder: Path) -> None:
    (digests,) = Harness(tasks=("copa",)).benchmarks().values()
    assert isinstance(digests, dict)
    assert list(digests) == ["copa.validation.jsonl.gz"]


def test_a_limit_leaves_no_item_out() -> None:
    assert len(list(Harness(data="sample", limit=2).items())) == 60
    assert len(list(MtBench(judge="judge", limit=2).items())) == 16


@pytest.mark.usefixtures("with_data")
def test_mt_bench_gives_both_turns_and_what_the_judge_is_shown(data_folder: Path) -> None:
    items = {item.id: item for item in MtBench(judge="j", questions="mt_bench").items()}
    line = (data_folder / "mt_bench" / "question.jsonl").read_text(encoding="utf-8").splitlines()[0]
    assert items["81"].texts == tuple(json.loads(line)["turns"])
    assert len(items) == 80
    assert len(items["101"].texts) == 4, "two turns and two reference answers"


@pytest.mark.parametrize("part", [Perplexity(data="rows"), Preferences(data="rows")])
def test_held_out_rows_of_the_recipe_are_no_benchmark(part: Perplexity | Preferences) -> None:
    assert part.benchmarks() == {}
    assert list(part.items()) == []
