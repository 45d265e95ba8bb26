"""Fetches one file over HTTP: streamed beside its place, resumed where it was cut, then renamed."""

import os
from collections.abc import Collection
from pathlib import Path

import httpx2

from openbezoar import files
from openbezoar.errors import DataError

__all__ = ["download"]

TRIES = 3
"""How often a cut connection is taken up again before giving up."""
TIMEOUT = 30.0
_DONE = 416
"""The server's answer when the part on disk is already the whole file."""


def download(address: str, path: Path, sums: Collection[str] = ()) -> str:
    """Fetch the address into the path and return its sha256; nothing unfinished bears the name.

    What a cut connection left waits in `<path>.part` and is continued, now or by the next call.
    DataError, in one line, when the file cannot be had or is not one of the sums.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(address, part)
    except httpx2.HTTPStatusError as error:
        raise DataError(f"{address}: the server answers {_status(error)}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        kept = f"; what came is kept in {part}" if part.exists() else ""
        raise DataError(
            f"{address}: cannot be reached ({_reason(error)}){kept}; "
            "look at the network and run the command again"
        ) from None
    except OSError as error:
        raise DataError(
            f"{part}: cannot be written ({error.strerror}); make room or name another folder "
            "with OPENBEZOAR_CACHE, then run the command again"
        ) from None
    return _accept(address, part, path, sums)


def _fetch(address: str, part: Path) -> None:
    with httpx2.Client(follow_redirects=True, timeout=TIMEOUT) as client:
        for left in reversed(range(TRIES)):
            try:
                _stream(client, address, part)
            except (httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.TimeoutException):
                if not left:
                    raise
            else:
                return


def _stream(client: httpx2.Client, address: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    # A compressed transfer would make byte ranges and sums those of another file.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with client.stream("GET", address, headers=headers) as response:
        if have and response.status_code == _DONE:
            if response.headers.get("Content-Range") not in (None, f"bytes */{have}"):
                part.unlink()
                raise httpx2.RemoteProtocolError("the file has another length than what was kept")
            return
        response.raise_for_status()
        continued = response.status_code == httpx2.codes.PARTIAL_CONTENT
        with part.open("ab" if continued else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())


def _accept(address: str, part: Path, path: Path, sums: Collection[str]) -> str:
    found = files.digest(part)
    if sums and found not in sums:
        part.unlink()
        wanted = " or ".join(f"{known[:12]}…" for known in sums)
        raise DataError(
            f"{address}: what came has sha256 {found[:12]}…, not {wanted}; "
            "it was removed: run the command again, or fetch the file by hand"
        )
    part.replace(path)
    return found


def _status(error: httpx2.HTTPStatusError) -> str:
    code = error.response.status_code
    fix = "it is not published there any more" if code == httpx2.codes.NOT_FOUND else "try later"
    return f"{code} {error.response.reason_phrase}; {fix}, or fetch the file by hand"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
