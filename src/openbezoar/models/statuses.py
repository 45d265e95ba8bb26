"""What an error status of a server means: the request's fault, the key's, or a try's bad luck."""

from typing import Any, Protocol

from openbezoar.errors import ModelError, ParseError
from openbezoar.models.retrying import trouble_with

__all__ = ["REFUSED", "Refusal", "failure_of"]

REFUSED = frozenset({400, 413, 422})
"""The statuses that say this one request is at fault, not the server."""


class Refusal(Protocol):
    """An error of a client: of OpenAI's or of Anthropic's, which share their make."""

    message: str
    status_code: int
    response: Any


def failure_of(error: Refusal, server: str, key: str, variable: str) -> ModelError | ParseError:
    """Our error for theirs; `server` begins the sentence, `variable` is where the key is kept."""
    # What a server says about a key may hold the key, so that it is never repeated.
    said = " ".join((error.message.replace(key, "[key]") if key else error.message).split())[:300]
    status = error.status_code
    if status in REFUSED:
        return ParseError("refused by the server", said)
    if status in (401, 403):
        what = f"refuses the key ({status}); look at the variable {variable}"
    elif status == 404:
        what = "knows no such model or path (404); mend `model` or `runtime.base_url`"
    else:
        what = f"failed with status {status} ({said})"
    failure = f"{server} {what}"
    return trouble_with(failure, status, error.response.headers) or ModelError(failure)
