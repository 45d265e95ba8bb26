"""A repository on the hub as the destination of a publication."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import httpx2

from openbezoar.errors import PublishError
from openbezoar.publishing.claim import OURS, Claim
from openbezoar.publishing.layout import CARD, File, is_published

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Kind", "Repository"]

Kind = Literal["dataset", "model"]

AGAIN = "nothing that it has is lost: the same command goes on from there"
_ADVICE = {
    400: "it does not accept this",
    401: "it does not know the token; log in again with `hf auth login`, or set HF_TOKEN anew",
    403: "the token may not write there; use one with write permission for this owner",
    404: "there is no such owner, or the token may not see it; check the spelling",
    429: f"it asks for a pause; {AGAIN}",
}


class Repository:
    """`OWNER/NAME` on the hub: private unless it is to be public, and public only once complete.

    The token is the hub client's own, of HF_TOKEN or its login, and is kept out of every message.
    """

    def __init__(self, name: str, kind: Kind, public: bool, claim: Claim) -> None:
        self.name = name
        self.kind = kind
        self.public = public
        self.claim = claim

    def place(self, name: str) -> str:
        """Where a file would be found."""
        return f"{self._address}/{name}"

    def check(self) -> None:
        """Raise PublishError when the name is none."""
        from huggingface_hub.errors import HFValidationError

        # public by its documentation, though its package does not list it
        from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

        try:
            validate_repo_id(self.name)
        except HFValidationError as error:
            raise PublishError(f"{self.name}: is no name for a repository ({error})") from None
        if "/" not in self.name:
            raise PublishError(f"{self.name}: names no owner; write hf:OWNER/{self.name}")

    def log_in(self) -> None:
        """Raise PublishError when there is no token, or none that may write."""
        with self._telling():
            if self._token is None:
                raise PublishError(
                    f"{self._endpoint}: no token; log in with `hf auth login`, or set HF_TOKEN"
                )
            who = self._api.whoami()
        if _role(who) == "read":
            raise PublishError(
                f"{self._endpoint}: the token can only read; use one with write permission"
            )

    def send(self, published: Sequence[File], message: str) -> str:
        """Send what the hub does not have yet, and make it visible in one commit; the address."""
        with self._telling():
            there = self._begin()
            old = self._replaced(there)
            self._commit(published, old, message)
            if self.public and there.private:
                self._api.update_repo_settings(self.name, private=False, repo_type=self.kind)
        return self._address

    def _begin(self) -> Any:
        """Make the repository where there is none; what the hub says of it."""
        self._api.create_repo(self.name, private=True, repo_type=self.kind, exist_ok=True)
        info = self._api.repo_info(self.name, repo_type=self.kind)
        if not (info.private or self.public):
            raise PublishError(
                f"{self._address}: is there already, and public; add --public, or name another"
            )
        return info

    def _replaced(self, info: Any) -> set[str]:
        """The files of the publication that is there; what others put there is not replaced."""
        there = self._api.list_repo_files(self.name, repo_type=self.kind)
        held = {name for name in there if is_published(name)}
        strange = sorted(held - {CARD})
        card = info.card_data.to_dict() if info.card_data else {}
        if OURS in card:
            self.claim.check(self._address, card)
        elif strange:
            raise PublishError(
                f"{self._address}: holds {strange[0]}, which no publication of ours put there; "
                "name another repository"
            )
        return held

    def _commit(self, published: Sequence[File], old: set[str], message: str) -> None:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete
        from huggingface_hub.utils.tqdm import disable_progress_bars

        if not sys.stderr.isatty():
            disable_progress_bars()
        stale = sorted(old - {file.name for file in published})
        deletions = [CommitOperationDelete(name) for name in stale]
        additions = [CommitOperationAdd(file.name, str(file.path)) for file in published]
        self._api.create_commit(
            self.name, [*deletions, *additions], commit_message=message, repo_type=self.kind
        )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Whatever goes wrong between here and the hub, as one line."""
        try:
            yield
        except PublishError:
            raise
        except RuntimeError as error:  # of a large file, whatever went wrong with it
            raise PublishError(self._told(error.__cause__ or error)) from None
        except (httpx2.HTTPError, OSError, ValueError) as error:  # the last of metadata
            raise PublishError(self._told(error)) from None

    def _told(self, error: BaseException) -> str:
        from huggingface_hub import errors

        if isinstance(error, errors.HfHubHTTPError):
            return self._refusal(error)
        if isinstance(error, errors.OfflineModeIsEnabled):
            return f"{self.name}: HF_HUB_OFFLINE is set; unset it to publish"
        why = self._scrubbed(str(error) or type(error).__name__)
        if isinstance(error, (httpx2.HTTPError, OSError)):
            return f"{self._address}: the connection was cut ({why}); {AGAIN}"
        return f"{self._address}: the hub does not take it ({why})"

    def _refusal(self, error: Any) -> str:
        status = error.response.status_code
        advice = _ADVICE.get(status, AGAIN if status >= 500 else "it refuses")
        said = self._scrubbed(error.server_message or "")
        return f"{self._address}: the hub answers {status}{said and f' ({said})'}: {advice}"

    def _scrubbed(self, text: str) -> str:
        """A server's words in one line, without the token and without signed addresses."""
        if self._token:
            text = text.replace(self._token, "…")
        return re.sub(r"\?\S+", "", " ".join(text.split()))[:200]

    @cached_property
    def _api(self) -> "HfApi":
        from huggingface_hub import HfApi

        return HfApi(endpoint=self._endpoint, token=self._token, library_name="openbezoar")

    @cached_property
    def _token(self) -> str | None:
        from huggingface_hub import get_token

        return get_token()

    @cached_property
    def _endpoint(self) -> str:
        from huggingface_hub import constants

        return os.environ.get("HF_ENDPOINT") or constants.ENDPOINT

    @property
    def _address(self) -> str:
        folder = "datasets/" if self.kind == "dataset" else ""
        return f"{self._endpoint}/{folder}{self.name}"


def _role(who: dict[str, Any]) -> object:
    token = who.get("auth", {}).get("accessToken", {})
    return token.get("role") if isinstance(token, dict) else None
