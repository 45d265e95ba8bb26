"""Fetches checkpoints and single files from the hub; each refusal is one line with the fix."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import httpx2

from openbezoar.embedded import EMBEDDED
from openbezoar.errors import ConfigError

__all__ = ["fetch_checkpoint", "fetch_file", "split_name"]

_SAFE = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "README.md"]
_HUB_NAME = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:@([\w./-]+))?")


def split_name(name: str) -> tuple[str, str | None] | None:
    """The repository and the revision that a name on the hub stands for; None where it is none."""
    found = _HUB_NAME.fullmatch(name)
    return (found[1], found[2]) if found else None


def fetch_checkpoint(name: str) -> Path:
    """The folder of a checkpoint of the hub, its pickles left out."""
    from huggingface_hub import snapshot_download

    repository, revision = _on_the_hub(name)

    def fetch() -> str:
        return snapshot_download(
            repository, revision=revision, allow_patterns=_SAFE, endpoint=_endpoint()
        )

    return _explained(name, fetch)


def fetch_file(name: str, file: str, absent: str) -> Path:
    """One file of a model of the hub; ConfigError says `absent` where the model has none."""
    from huggingface_hub import errors, hf_hub_download

    repository, revision = _on_the_hub(name)

    def fetch() -> str:
        try:
            return hf_hub_download(repository, file, revision=revision, endpoint=_endpoint())
        except errors.RemoteEntryNotFoundError:
            raise ConfigError(absent) from None

    return _explained(name, fetch)


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT")


def _on_the_hub(name: str) -> tuple[str, str | None]:
    """The repository and the revision; ConfigError says what a name can be."""
    found = split_name(name)
    if found is None:
        raise ConfigError(
            f"{name}: neither a folder here nor a model; name an existing folder, "
            f"a hub model as `owner/name`, or {EMBEDDED!r}"
        )
    return found


def _explained(name: str, fetch: Callable[[], str]) -> Path:
    from huggingface_hub import errors

    try:
        return Path(fetch())
    except errors.GatedRepoError:
        raise ConfigError(
            f"{name}: is gated; accept its terms on the hub and set HF_TOKEN, or use another model"
        ) from None
    except errors.RevisionNotFoundError:
        raise ConfigError(f"{name}: has no such revision; look it up on the hub") from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise ConfigError(
            f"{name}: no such folder here and no such public model on the hub; "
            "check the spelling, or set HF_TOKEN when it is private"
        ) from None
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, httpx2.HTTPError):
        raise ConfigError(
            f"{name}: no such folder here and the hub cannot be reached; connect once so that it "
            f"is cached, or name a local folder or {EMBEDDED!r}"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{name}: cannot be stored ({error.strerror or error}); make room, or set HF_HOME"
        ) from None
