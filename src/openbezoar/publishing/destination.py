"""Where a publication goes, by the name that a person gives it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from openbezoar.errors import ConfigError
from openbezoar.publishing.claim import Claim
from openbezoar.publishing.folder import Folder
from openbezoar.publishing.layout import File
from openbezoar.publishing.repository import Kind, Repository

__all__ = ["Destination", "destination"]

HUB = "hf:"


class Destination(Protocol):
    """A place that takes files by their names."""

    def place(self, name: str) -> str:
        """Where a file would be."""

    def check(self) -> None:
        """Raise PublishError when nothing can be sent there, as far as this machine can tell."""

    def log_in(self) -> None:
        """Raise PublishError when the place does not know us, or lets us only read."""

    def send(self, published: Sequence[File], message: str) -> str:
        """Send what is not there yet; the address of the whole."""


def destination(to: str, kind: Kind, public: bool, claim: Claim) -> Destination:
    """`hf:OWNER/NAME` is a repository on the hub, everything else but an address a folder."""
    if to.startswith(HUB):
        return Repository(to.removeprefix(HUB), kind, public, claim)
    if not to or "://" in to:
        raise ConfigError(f"--to {to!r}: is no folder; a repository is written hf:OWNER/NAME")
    if public:
        raise ConfigError(f"--public: {to} is a folder; a repository is written hf:OWNER/NAME")
    return Folder(Path(to).expanduser(), claim)
