"""An export as a ZIP archive with everything: all contents, the notebook, the page, checksums."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

from ..run_directory import hash_file
from .base import Exporter
from .notebook import notebook, text_of
from .package import RECORD, Package, record_text
from .page import page

SUMS = "SHA256SUMS"
NOTEBOOK = "export.ipynb"
PAGE = "export.html"


class ArchiveExporter(Exporter):
    """Archives: to be kept, checked with ``sha256sum --check``, and imported."""

    suffix = ".zip"

    def write(self, package: Package, target: Path) -> None:
        """Write an archive."""
        add_documents(package)
        files = sorted(path for path in package.folder.rglob("*") if path.is_file())
        names = [path.relative_to(package.folder).as_posix() for path in files]
        sums = [f"{hash_file(path)}  {name}\n" for path, name in zip(files, names, strict=True)]
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
            for path, name in zip(files, names, strict=True):
                archive.write(path, name)
            archive.writestr(SUMS, "".join(sums))


def add_documents(package: Package) -> None:
    """Write what describes a package into its folder: record, notebook and page."""
    (package.folder / RECORD).write_text(record_text(package), "utf-8")
    # what they hold is beside them in the archive
    addresses = {str(file.place): str(file.place) for file in package.contents}
    made = notebook(replace(package, addresses=addresses))
    (package.folder / NOTEBOOK).write_text(text_of(made), "utf-8")
    (package.folder / PAGE).write_text(page(package, made), "utf-8")
