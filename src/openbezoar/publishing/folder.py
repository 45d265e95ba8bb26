"""A folder of this machine as the destination of a publication."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from openbezoar import files
from openbezoar.errors import PublishError
from openbezoar.publishing.layout import File, stale

__all__ = ["Folder"]

PARTIAL = ".partial"


class Folder:
    """A folder that holds nothing but a publication; a copy that was cut off is gone on with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, name: str) -> str:
        """Where a file would lie."""
        return str(self.folder / name)

    def check(self) -> None:
        """Raise PublishError when there is something in the way."""
        if self.folder.exists() and not self.folder.is_dir():
            raise PublishError(f"{self.folder}: is no folder; name another one with --to")

    def send(self, published: Sequence[File], message: str) -> str:
        """Copy the files, but for those that are there already; where they now are."""
        names = {file.name for file in published}
        held = self._held()
        old = stale(held, names)
        if strange := sorted(held - names - set(old)):
            raise PublishError(
                f"{self.folder}: holds {strange[0]}, which is not part of a publication; "
                "name another folder, or an empty one"
            )
        for name in old:
            (self.folder / name).unlink()
        for file in published:
            self._copy(file)
        return str(self.folder)

    def _held(self) -> set[str]:
        found = (path for path in self.folder.rglob("*") if path.is_symlink() or path.is_file())
        names = {path.relative_to(self.folder).as_posix() for path in found}
        return {name for name in names if not name.endswith(PARTIAL)}

    def _copy(self, file: File) -> None:
        target = self.folder / file.name
        if target.is_file() and files.digest(target) == files.digest(file.path):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + PARTIAL)
        shutil.copyfile(file.path, partial)
        partial.replace(target)
