"""Another try is made here alone, after a wait, and the blame is put where it belongs."""

import asyncio
import pickle
from collections.abc import Callable, Sequence

import pytest

from openbezoar.errors import ModelError, ParseError
from openbezoar.families import Request
from openbezoar.models.limits import Limits
from openbezoar.models.retrying import (
    RetryingModel,
    Trouble,
    seconds_until_retry,
    trouble_with,
    wait_before,
)
from openbezoar.models.scripted import ScriptedModel

Ask = Callable[..., Request]
SOON = 0.0
MONDAY = "Mon, 01 Jun 2026 00:00:10 GMT"
MONDAY_SECONDS = 1780272000.0


class Pressed(Limits):
    """Limits with a number of requests at a time."""

    many: int = 4

    @property
    def in_flight(self) -> int:
        return self.many


class Failing(ScriptedModel):
    """Raises the next error of a list for a request that is not "Hello", else answers."""

    def __init__(self, errors: Sequence[Exception | None], hello: Exception | None = None) -> None:
        super().__init__(self._say)
        self._errors = list(errors)
        self._hello = hello

    def _say(self, request: Request) -> str:
        greeting = request.messages[-1].content == "Hello"
        error = self._hello if greeting else self._errors.pop(0)
        if error is not None:
            raise error
        return "fine"


def retrying(model: ScriptedModel, tries: int = 3) -> tuple[RetryingModel, list[str]]:
    retries: list[str] = []
    limits = Pressed(max_retries=tries - 1)
    return RetryingModel(model, limits, lambda: retries.append("again")), retries


class Stumbling(ScriptedModel):
    """Counts words once it has stumbled."""

    def __init__(self, errors: Sequence[Exception]) -> None:
        super().__init__(lambda request: "fine")
        self._errors = list(errors)

    async def count_tokens(self, text: str) -> int:
        if self._errors:
            raise self._errors.pop(0)
        return await super().count_tokens(text)


async def test_a_count_is_tried_as_often_as_an_answer() -> None:
    model, retries = retrying(Stumbling([Trouble("odd", "away", SOON)] * 2))
    assert await model.count_tokens("two words") == 2
    assert retries == ["again", "again"]


async def test_a_count_that_never_comes_stops_the_stage() -> None:
    model, _ = retrying(Stumbling([Trouble("odd", "away", SOON)] * 3))
    with pytest.raises(ModelError, match="odd, 3 times in a row"):
        await model.count_tokens("two words")


@pytest.mark.parametrize("kind", ["busy", "away", "broken"])
async def test_trouble_is_asked_again_and_counted(ask: Ask, kind: str) -> None:
    trouble = Trouble("odd", kind, SOON)  # type: ignore[arg-type]
    model, retries = retrying(Failing([trouble, trouble, None]))
    assert (await model.complete(ask())).text == "fine"
    assert len(retries) == 2


@pytest.mark.parametrize("error", [ParseError("refused"), ModelError("bad key")])
async def test_what_another_try_cannot_mend_is_not_asked_again(ask: Ask, error: Exception) -> None:
    model, retries = retrying(Failing([error]))
    with pytest.raises(type(error), match=str(error)):
        await model.complete(ask())
    assert retries == []


@pytest.mark.parametrize("kind", ["busy", "away"])
async def test_a_server_that_stays_busy_or_away_stops_the_stage(ask: Ask, kind: str) -> None:
    trouble = Trouble("m is odd", kind, SOON)  # type: ignore[arg-type]
    model, _ = retrying(Failing([trouble] * 3))
    with pytest.raises(ModelError, match=r"^m is odd, 3 times in a row; the same command") as end:
        await model.complete(ask())
    assert type(end.value) is ModelError


async def test_a_request_that_breaks_a_server_which_answers_others_fails_its_row(ask: Ask) -> None:
    model, _ = retrying(Failing([Trouble("crash", wait=SOON)] * 3))
    with pytest.raises(ParseError, match="no usable reply from the server: though"):
        await model.complete(ask())


async def test_a_server_that_answers_nobody_stops_the_stage(ask: Ask) -> None:
    trouble = Trouble("crash", wait=SOON)
    model, _ = retrying(Failing([trouble] * 3, hello=trouble))
    with pytest.raises(ModelError, match="crash, 3 times in a row"):
        await model.complete(ask())


async def test_no_more_requests_are_in_flight_than_the_limit(ask: Ask) -> None:
    inside, most = 0, 0

    class Slow(ScriptedModel):
        async def complete(self, request: Request):  # type: ignore[no-untyped-def]
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            return await super().complete(request)

    model, _ = retrying(Slow(lambda request: "fine"))
    await asyncio.gather(*(model.complete(ask()) for _ in range(20)))
    assert (inside, most) == (0, 4)


@pytest.mark.parametrize(
    ("failed", "wait", "jitter", "seconds"),
    [
        (0, None, 0.0, 0.25),
        (0, None, 1.0, 0.5),
        (3, None, 1.0, 4.0),
        (50, None, 1.0, 60.0),
        (50, 2.0, 0.0, 2.0),
        (0, 2.0, 1.0, 2.5),
    ],
)
def test_waits_double_or_are_what_the_server_asks_for(
    failed: int, wait: float | None, jitter: float, seconds: float
) -> None:
    assert wait_before(failed, Trouble("odd", wait=wait), jitter) == seconds


def test_a_wait_of_hours_stops_the_stage_instead() -> None:
    with pytest.raises(ModelError, match="asks to wait 7200 s"):
        wait_before(0, Trouble("odd", "busy", 7200.0), 0.5)


@pytest.mark.parametrize(
    ("milliseconds", "after", "seconds"),
    [
        ("", "", None),
        ("", "3", 3.0),
        ("", "0.5", 0.5),
        ("250", "3", 0.25),
        ("", "-3", 0.0),
        ("", MONDAY, 10.0),
        ("", "soon", None),
        ("soon", "", None),
    ],
)
def test_the_wait_is_read_from_seconds_or_a_date(
    milliseconds: str, after: str, seconds: float | None
) -> None:
    assert seconds_until_retry(milliseconds, after, MONDAY_SECONDS) == seconds


@pytest.mark.parametrize("status", [400, 401, 404, 418])
def test_other_statuses_are_no_trouble(status: int) -> None:
    assert trouble_with("odd", status, {}) is None


def test_trouble_knows_its_headers_and_survives_pickling() -> None:
    trouble = trouble_with("odd", 429, {"retry-after": "7"})
    again = pickle.loads(pickle.dumps(trouble))  # noqa: S301 - our own bytes
    assert (str(again), again.kind, again.wait) == ("odd", "busy", 7.0)
