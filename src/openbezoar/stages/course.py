"""The course of a train stage, from its settings and its rows; and the weights kept at its end."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from openbezoar.errors import DataError
from openbezoar.families import Bench
from openbezoar.stages.outcome import left_out

if TYPE_CHECKING:
    from openbezoar.stages.train import TrainStage
    from openbezoar.training.checkpoints import Progress
    from openbezoar.training.course import Course
    from openbezoar.training.encoding import EncodedRows

__all__ = ["course_of", "restore_kept"]


def course_of(
    stage: "TrainStage", bench: Bench, parts: "Mapping[str, EncodedRows]", format_print: str
) -> "Course":
    """What is trained on what; DataError where no row is left to train on, or to choose by."""
    from openbezoar.training.course import Course

    if not parts["train"].rows:
        raise DataError(
            f"stage {bench.stage}: no row can be trained on ({left_out(parts)}); "
            "raise optimisation.max_tokens or look at the data"
        )
    if stage.keep == "best" and not parts["valid"].rows:
        raise DataError(
            f"stage {bench.stage}: keep: best needs validation rows, and {stage.data!r} has "
            f"none that can be used ({left_out(parts)}); raise its `validation`"
        )
    return Course(
        objective=stage.objective,
        settings=stage.optimisation,
        runtime=stage.runtime,
        seed=bench.seed,
        train=parts["train"].rows,
        valid=parts["valid"].rows,
        scratch=bench.scratch,
        say=bench.say,
        identity=bench.folder.name,
        names=parts["train"].ids,
        valid_names=parts["valid"].ids,
        format=format_print,
        keep_best=bench.scratch / "best" if stage.keep == "best" else None,
        logs=bench.folder.parent / "trackers" / bench.stage,
        deadline=bench.deadline,
        progress=bench.progress,
    )


def restore_kept(model: Any, course: "Course", progress: "Progress") -> int:
    """Put the weights that are to be kept into the model; the step they are from."""
    from openbezoar.training.best import restore_best

    if course.keep_best is None:
        return progress.step
    return restore_best(course.keep_best, model, progress.metrics)
