"""A folder of this machine as the destination of a publication."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from openbezoar import hub
from openbezoar.errors import PublishError
from openbezoar.publishing.claim import OURS, Claim
from openbezoar.publishing.layout import CARD, File, is_published
from openbezoar.publishing.scratch import scratch

__all__ = ["Folder"]

STAGING = ".publishing"
OPENING = ("config.json", "adapter_config.json", "data")
"""Without these nothing that lies beside them can be loaded."""


class Folder:
    """A folder that holds nothing but one publication, whole or not to be loaded at all."""

    def __init__(self, folder: Path, claim: Claim) -> None:
        self.folder = folder
        self.claim = claim

    def place(self, name: str) -> str:
        """Where a file would lie."""
        return str(self.folder / name)

    def check(self) -> None:
        """Raise PublishError when there is something in the way."""
        if self.folder.exists() and not self.folder.is_dir():
            raise PublishError(f"{self.folder}: is no folder; name another one with --to")
        held = self._held()
        strange = [name for name in held if not is_published(name)]
        card = hub.front_matter(self.folder / CARD)
        if not strange and OURS not in card:
            strange = held
        if strange:
            raise PublishError(
                f"{self.folder}: holds {strange[0]}, which is not part of a publication; "
                "name another folder, or an empty one"
            )
        if held:
            self.claim.check(str(self.folder), card)

    def log_in(self) -> None:
        """Nobody has to."""

    def send(self, published: Sequence[File], message: str) -> str:
        """Copy the files, then put them in the place of an earlier publication; where they are."""
        with scratch(self.folder / STAGING) as staging:
            self.check()
            for file in published:
                target = staging / "new" / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.path, target)
            (staging / "old").mkdir()
            for path in reversed(_in_order(self.folder)):
                path.rename(staging / "old" / path.name)
            for path in _in_order(staging / "new"):
                path.rename(self.folder / path.name)
        return str(self.folder)

    def _held(self) -> list[str]:
        found = (path for path in self.folder.rglob("*") if path.is_symlink() or path.is_file())
        names = (path.relative_to(self.folder) for path in found)
        return sorted(name.as_posix() for name in names if name.parts[0] != STAGING)


def _in_order(folder: Path) -> list[Path]:
    """What lies in a folder, the card first, and last what makes the rest a whole."""
    paths = (path for path in folder.iterdir() if path.name != STAGING)
    return sorted(paths, key=lambda path: (path.name in OPENING, path.name != CARD, path.name))
