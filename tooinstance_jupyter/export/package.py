"""A package: an export, and a folder with the contents that it exports.

How those are laid out in a notebook, a page or an archive is left to the modules beside it.
"""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..file_names import harmless_paths
from ..wire import adapter
from .record import Export, ExportedFile

RECORD = "tooinstance.json"
"""Where an archive has the export for programs."""

CONTENTS = "runs"
"""The folder that has all contents."""

METADATA = "tooinstance"
"""Where the metadata of a notebook have it."""

BLOCK_ID = "tooinstance-export"
"""The id of the element of a page that has it."""


@dataclass(frozen=True, slots=True)
class Package:
    """An export with what it exports.

    Parameters
    ----------
    folder
        Where each content is at its `ExportedFile.place`.
    addresses
        Where contents will be beside the file that is written, by their places; none if it goes
        alone.
    """

    folder: Path
    export: Export
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def contents(self) -> list[ExportedFile]:
        """All that its runs read and wrote, and that it has."""
        files = itertools.chain.from_iterable(run.contents for run in self.export.runs)
        return [file for file in files if file.place is not None]

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
    folder = f"{CONTENTS}/{run}/{group}" if group else f"{CONTENTS}/{run}"
    return [f"{folder}/{name}" for name in harmless_paths(paths)]


def as_json(export: Export) -> dict[str, Any]:
    """Return an export for programs, as JSON."""
    told: dict[str, Any] = adapter(Export).dump_python(export, mode="json")
    return told


def record_text(package: Package) -> str:
    """Return the export of a package as the text of a file."""
    return json.dumps(as_json(package.export), indent=1) + "\n"


def pack(package: Package, target: Path) -> None:
    """Write the least that can be imported: the record, and the contents that it has."""
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RECORD, record_text(package))
        for file in package.contents:
            place = str(file.place)
            if place not in archive.NameToInfo:
                archive.write(package.folder / place, place)
