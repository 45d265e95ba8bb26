"""The items of lm-eval's tasks as text: what is asked, the right answer in words, the choices."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from openbezoar.evaluations import hub_tasks, lm_harness
from openbezoar.evaluations.task_files import MMLU_GROUPS, measured_rows
from openbezoar.families import Item

__all__ = ["items_of", "items_of_loaded"]

Row = Mapping[str, Any]
Answers = tuple[str, tuple[str, ...]]
"""The right answer and the choices, as far as they are words."""


def items_of(name: str, scratch: Path) -> Iterator[Item]:
    """Every item a task is measured on; DataError when neither this machine nor the hub has them.

    An id is the one that the evaluation's items have: the task and the place of the row. A group
    of MMLU's subjects counts as all of MMLU.
    """
    rows = measured_rows(name)
    if rows is not None:
        yield from _local_items(name, rows)
        return
    with lm_harness.quiet(scratch / "log.txt"):
        loaded = hub_tasks.load(name)
    yield from items_of_loaded(name, loaded)


def items_of_loaded(name: str, loaded: Mapping[str, Any]) -> Iterator[Item]:
    """The items of tasks that lm-eval has loaded, by their own prompts.

    Where a task names the field whose words give an item away, that field is taken for the prompt.
    """
    for task, held in loaded.items():
        telling = held.config.doc_to_decontamination_query
        for place, row in enumerate(held.eval_docs):
            asked = row[telling] if telling in row else held.doc_to_text(row)
            choices = held.doc_to_choice(row) if held.OUTPUT_TYPE == "multiple_choice" else []
            # A number in place of a prompt means that the choices are whole sentences.
            texts = (asked,) if isinstance(asked, str) else tuple(choices)
            answer = _answer(held.doc_to_target(row), choices)
            yield Item(name, f"{task}.{place}", texts, answer, tuple(map(str, choices)))


def _answer(target: Any, choices: list[str]) -> str:
    if isinstance(target, list) and target:
        target = target[0]
    if isinstance(target, int):
        return str(choices[target]) if 0 <= target < len(choices) else ""
    return target if isinstance(target, str) else ""


def _local_items(name: str, rows: Iterable[Row]) -> Iterator[Item]:
    is_mmlu = name in MMLU_GROUPS or name.startswith("mmlu_")
    fields, answers = _MMLU if is_mmlu else _TASKS[name]
    places: Counter[str] = Counter()
    for row in rows:
        task = f"mmlu_{row['subject']}" if is_mmlu else name
        place = places[task]
        places[task] += 1
        if name in (task, *MMLU_GROUPS):
            texts = tuple(row[field] for field in fields)
            yield Item(name, f"{task}.{place}", texts, *answers(row))


def _none(row: Row) -> Answers:
    return "", ()


def _listed(row: Row) -> Answers:
    """MMLU's form."""
    return str(row["choices"][row["answer"]]), tuple(map(str, row["choices"]))


def _lettered(row: Row) -> Answers:
    """ARC's form, and OpenBookQA's."""
    choices = row["choices"]
    return choices["text"][choices["label"].index(row["answerKey"])], tuple(choices["text"])


def _two(first: str, second: str, right: str, base: int = 0) -> Callable[[Row], Answers]:
    """Two fields, and one that counts the right one from `base`."""

    def answers(row: Row) -> Answers:
        pair = (row[first], row[second])
        return pair[int(row[right]) - base], pair

    return answers


def _endings(row: Row) -> Answers:
    return row["endings"][int(row["label"])], tuple(row["endings"])


def _worked(row: Row) -> Answers:
    return row["answer"], ()


def _first_of_many(row: Row) -> Answers:
    return row["answer"][0], ()


def _truths(row: Row) -> Answers:
    choices = row["mc1_targets"]["choices"]
    return choices[row["mc1_targets"]["labels"].index(1)], tuple(choices)


_PAIR = ("sentence1", "sentence2")
_ENTAILED = ("premise", "hypothesis")
_MMLU = (("question",), _listed)
_TASKS: dict[str, tuple[tuple[str, ...], Callable[[Row], Answers]]] = {
    "anli_r1": (_ENTAILED, _none),
    "anli_r2": (_ENTAILED, _none),
    "anli_r3": (_ENTAILED, _none),
    "arc_challenge": (("question",), _lettered),
    "arc_easy": (("question",), _lettered),
    "boolq": (("passage", "question"), _none),
    "cb": (_ENTAILED, _none),
    "copa": (("premise",), _two("choice1", "choice2", "label")),
    "gsm8k": (("question",), _worked),
    "hellaswag": (("ctx",), _endings),
    "mrpc": (_PAIR, _none),
    "nq_open": (("question",), _first_of_many),
    "openbookqa": (("question_stem",), _lettered),
    "piqa": (("goal",), _two("sol1", "sol2", "label")),
    "rte": (_PAIR, _none),
    "sample_choices": (("question",), _lettered),
    "sst2": (("sentence",), _none),
    "truthfulqa_mc1": (("question",), _truths),
    "truthfulqa_mc2": (("question",), _truths),
    "wic": (_PAIR, _none),
    "winogrande": (("sentence",), _two("option1", "option2", "answer", base=1)),
}
"""What is asked, by the fields of a task's rows, and where its answers are."""
