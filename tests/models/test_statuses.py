"""An error status is the request's fault, the key's, the address's, or another try's chance."""

from types import SimpleNamespace
from typing import Any

import pytest

from openbezoar.errors import ModelError, ParseError
from openbezoar.models.retrying import Trouble
from openbezoar.models.statuses import failure_of


def failure(status: int, message: str = "no", key: str = "canary") -> Any:
    response = SimpleNamespace(headers={"retry-after": "2"})
    error = SimpleNamespace(message=message, status_code=status, response=response)
    return failure_of(error, "model 'm' at home", key, "MY_KEY")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_request_fails_its_row(status: int) -> None:
    found = failure(status, "too\nlong")
    assert isinstance(found, ParseError)
    assert str(found) == "refused by the server: too long"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "model 'm' at home refuses the key (401); look at the variable MY_KEY"),
        (404, "model 'm' at home knows no such model or path (404)"),
        (402, "model 'm' at home failed with status 402 (no)"),
    ],
)
def test_what_no_try_can_mend_stops_the_stage(status: int, told: str) -> None:
    found = failure(status)
    assert type(found) is ModelError
    assert str(found).startswith(told)


def test_a_busy_server_is_trouble_that_says_when_to_come_back() -> None:
    found = failure(429)
    assert isinstance(found, Trouble)
    assert (found.kind, found.wait) == ("busy", 2)


@pytest.mark.parametrize("status", [400, 402, 500])
def test_a_key_is_never_repeated(status: int) -> None:
    told = str(failure(status, "your key canary is unknown, canary!"))
    assert "canary" not in told
    assert "[key]" in told
    assert "[key]" not in str(failure(status, "no key at all", key=""))
