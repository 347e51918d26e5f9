"""A package: an export, and a folder with the contents that it exports.

How those are laid out in a notebook, a page or an archive is left to the modules beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..file_names import harmless_paths
from .record import Export, ExportedFile

RECORD = "tooinstance.json"


@dataclass(frozen=True, slots=True)
class Package:
    """An export with what it exports.

    Parameters
    ----------
    folder
        Where each content is at its `ExportedFile.place`.
    """

    folder: Path
    export: Export

    def path(self, file: ExportedFile) -> Path | None:
        """Return where a content can be read; ``None`` if it is not in the package."""
        return None if file.place is None else self.folder / file.place

    def read(self, file: ExportedFile, size: int = -1) -> bytes | None:
        """Return the first `size` bytes of a content (-1: all); ``None`` if it is not there."""
        path = self.path(file)
        if path is None:
            return None
        with path.open("rb") as opened:
            return opened.read(size)


def places(run: int, group: str, paths: list[str]) -> list[str]:
    """Return where the files of a run are in a package; names are harmless, and all different."""
    folder = f"runs/{run}/{group}" if group else f"runs/{run}"
    return [f"{folder}/{name}" for name in harmless_paths(paths)]
