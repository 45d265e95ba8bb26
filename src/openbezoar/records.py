"""The rows that flow through a recipe, and the judgements passed on them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, StringConstraints, model_validator

__all__ = [
    "CUT",
    "PARTIAL",
    "ROWS",
    "Completion",
    "Example",
    "Failure",
    "Grade",
    "Message",
    "Preference",
    "Rejected",
    "Row",
    "Score",
    "Seed",
    "Verdict",
]

Text = Annotated[str, StringConstraints(min_length=1)]
CUT = frozenset({"length", "max_tokens"})
"""The finish reasons of an answer that ran into the token limit."""
PARTIAL = CUT | {"interrupted"}
"""Those of an answer that ends before its end: by the limit, or by a person's hand."""


class Record(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Message(Record):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Grade(Record):
    """A judge's opinion of one answer; a field is absent when the judge gave none."""

    status: Literal["Accept", "Reject"] | None = None
    rating: float | None = None
    reason: str | None = None


class Verdict(Record):
    """A filter's decision on one row: kept, or dropped for a reason that is counted."""

    filter: str
    keep: bool
    reason: str = ""
    grade: Grade | None = None
    details: dict[str, JsonValue] = {}
    """What explains the reason in this very row: the span found, the row it repeats."""


class Row(Record):
    """What every row carries, so that its origin can be walked back."""

    id: Text
    parents: tuple[str, ...] = ()
    origin: str = ""
    """The source or scheme that made the row."""
    licences: tuple[str, ...] = ()
    """Licences and terms that bear on the row; empty means unknown."""


class Seed(Row):
    """Raw material of a scheme: an instruction, perhaps with a context and a known answer."""

    instruction: Text
    context: str = ""
    target: str | None = None
    category: str = ""
    """Dolly's category."""
    sub_collection: str = ""
    """FLAN's sub-collection: cot, niv2, t0 or flan2021."""
    task: str = ""
    template_type: str = ""
    details: dict[str, JsonValue] = {}

    @property
    def prompt(self) -> str:
        """The instruction, then a blank line and the context where there is one."""
        return f"{self.instruction}\n\n{self.context}" if self.context else self.instruction


class Example(Row):
    """A conversation to learn from: an optional system message, then user and assistant turns."""

    messages: tuple[Message, ...]
    scheme: str = ""
    teacher: str = ""
    prompt_fingerprint: str = ""
    attempt: int = 0
    finish_reason: str = ""
    target: str | None = None
    """The known right answer of the seed, where there is one."""
    details: dict[str, JsonValue] = {}
    """What the scheme records of its own, under the published field names."""
    verdicts: tuple[Verdict, ...] = ()

    @model_validator(mode="after")
    def _turns_alternate(self) -> "Example":
        check_turns(self.messages, last="assistant")
        return self

    @property
    def system(self) -> str:
        """The system message, or an empty string."""
        return self.messages[0].content if self.messages[0].role == "system" else ""

    @property
    def instruction(self) -> str:
        """The last user turn."""
        return self.messages[-2].content

    @property
    def answer(self) -> str:
        """The last assistant turn."""
        return self.messages[-1].content


class Preference(Row):
    """A prompt with a chosen and a rejected answer."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    subset: str = ""
    details: dict[str, JsonValue] = {}

    @model_validator(mode="after")
    def _turns_alternate(self) -> "Preference":
        check_turns(self.prompt, last="user")
        return self


class Rejected(Record):
    """A row that was dropped, whole, with the verdict that dropped it."""

    verdict: Verdict
    row: dict[str, JsonValue]


class Failure(Record):
    """A row that could not be made."""

    id: str
    parents: tuple[str, ...] = ()
    reason: str
    detail: str = ""


class Completion(Record):
    """A model's answer to one request, with the tokens it took; None where nobody counted them."""

    text: str
    finish_reason: str
    tokens_in: int | None
    tokens_out: int | None
    model: str = ""


class Score(Record):
    """One metric: its value, how many rows it rests on, and how sure it is.

    A value is absent when nothing could be measured; it is never zero for "unknown".
    """

    name: str
    value: float | None
    n: int
    missing: int = 0
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    """The bounds of the 95 % interval."""
    higher_is_better: bool | None = True
    """None where neither is: a length, and what follows one."""
    flags: tuple[str, ...] = ()
    """What stands beside the value in every table: measured on a part, zero, below chance."""
    note: str = ""
    settings: dict[str, JsonValue] = {}
    """What the value depends on beside the model; scores that differ in it are no comparison."""

    @property
    def arrow(self) -> str:
        """Which way is better, if one is."""
        return {True: "↑", False: "↓", None: ""}[self.higher_is_better]

    def flagged(self, *flags: str) -> "Score":
        """Itself with more that stands beside the value."""
        return self.model_copy(update={"flags": (*self.flags, *flags)})


def check_turns(messages: tuple[Message, ...], last: str) -> None:
    """Raise ValueError unless user and assistant alternate and the last turn is `last`."""
    turns = messages[1:] if messages and messages[0].role == "system" else messages
    expected = ["user", "assistant"]
    for place, message in enumerate(turns):
        if message.role != expected[place % 2]:
            raise ValueError(f"turn {place + 1} is by {message.role}, not by {expected[place % 2]}")
    if not turns or turns[-1].role != last:
        raise ValueError(f"a conversation must end with a turn by {last}")


ROWS: dict[str, type[Row]] = {"seeds": Seed, "examples": Example, "preferences": Preference}
"""The kinds of row, by the word that manifests use."""
