"""The courses of training."""

from openbezoar.report.contents import gather
from openbezoar.report.courses import METRICS, courses
from tests.report.conftest import Shelf


def test_every_train_stage_has_its_losses_by_step(line: Shelf) -> None:
    sft, dpo = courses(gather(line.store))
    assert (sft.name, sft.objective, dpo.objective) == ("sft_adapter", "sft", "dpo")
    assert sft.lines["valid_loss"] == [(0, 2.58), (30, 1.9), (60, 1.74)]
    assert len(sft.lines["loss"]) == 60
    assert set(dpo.lines) >= {"margin", "valid_margin", "accuracy"}


def test_the_accuracy_before_dpo_is_left_out_because_no_margin_has_a_sign(line: Shelf) -> None:
    dpo = courses(gather(line.store))[1]
    assert dpo.lines["valid_margin"][0] == (0, 0)
    assert dpo.lines["valid_accuracy"] == [(20, 0.57)]
    assert [step for step, _ in dpo.lines["accuracy"]] == [*range(2, 21)]


def test_lost_measurements_are_named_and_the_numbers_stay(line: Shelf) -> None:
    (line.made["dpo"].folder / "metrics.jsonl").unlink()
    dpo = courses(gather(line.store))[1]
    assert dpo.problem == "metrics.jsonl: no such file"
    assert dpo.lines == {}
    assert dpo.numbers is not None
    assert dpo.numbers.steps == 60


def test_a_broken_line_of_measurements_is_named(line: Shelf) -> None:
    (line.made["dpo"].folder / "metrics.jsonl").write_text('{"step": 0}\n{"st')
    assert courses(gather(line.store))[1].problem.startswith("metrics.jsonl:2: not JSON")


def test_a_course_that_is_not_finished_has_its_curves_up_to_where_it_is(shelf: Shelf) -> None:
    shelf.store.keep_recipe("stages: {dpo: {kind: train, objective: {kind: dpo}}}")
    scratch = shelf.store.begin("dpo", "d" * 64) / "scratch"
    scratch.mkdir()
    (scratch / "metrics.jsonl").write_text('{"step": 1, "loss": 0.69, "margin": 0}\n{"st')
    (course,) = courses(gather(shelf.store))
    assert (course.name, course.numbers) == (f"dpo-{12 * 'd'}, unfinished", None)
    assert course.lines == {"loss": [(1, 0.69)], "margin": [(1, 0)]}
    assert course.problem.startswith("metrics.jsonl:2: not JSON")


def test_every_curve_says_what_it_is_counted_in(line: Shelf) -> None:
    for course in courses(gather(line.store)):
        assert all(course.unit(metric) for metric in METRICS)
