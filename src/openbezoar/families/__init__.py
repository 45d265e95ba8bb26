"""The eight kinds of part and what they are given: the pages to read before writing a new one."""

from openbezoar.families.bench import Bench, Numbers, Run, Work, random_for
from openbezoar.families.evaluations import Evaluation, Item, Subject
from openbezoar.families.expected import (
    Expected,
    Flow,
    Length,
    Reading,
    answer_of,
    length_of,
    tokens_of,
)
from openbezoar.families.filters import AskingFilter, Check, CheckMany, Filter, Rows
from openbezoar.families.held import PREFERENCES, expect
from openbezoar.families.judges import Judge
from openbezoar.families.models import (
    ChatModel,
    Connect,
    ModelSpec,
    Piece,
    Request,
    Sampling,
    Scorer,
    expect_shapes,
)
from openbezoar.families.objectives import Objective
from openbezoar.families.schemes import Draw, Made, Scheme
from openbezoar.families.sources import Source
from openbezoar.families.stages import Stage

__all__ = [
    "PREFERENCES",
    "AskingFilter",
    "Bench",
    "ChatModel",
    "Check",
    "CheckMany",
    "Connect",
    "Draw",
    "Evaluation",
    "Expected",
    "Filter",
    "Flow",
    "Item",
    "Judge",
    "Length",
    "Made",
    "ModelSpec",
    "Numbers",
    "Objective",
    "Piece",
    "Reading",
    "Request",
    "Rows",
    "Run",
    "Sampling",
    "Scheme",
    "Scorer",
    "Source",
    "Stage",
    "Subject",
    "Work",
    "answer_of",
    "expect",
    "expect_shapes",
    "length_of",
    "random_for",
    "tokens_of",
]
