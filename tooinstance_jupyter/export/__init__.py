"""Runs and tools as documents that open anywhere, and run again anywhere.

``gather`` asks a client for what is exported, without what must not leave; the exporters write it
as a notebook, a page, an archive or a crate; ``reading`` takes such a file apart again, and
``comparison`` tells how two runs differ.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from .. import registry
from ..client.base import Client
from ..errors import ConflictError, InvalidValueError, full_disk_in_words
from ..file_names import harmless_name
from .base import Exporter
from .gather import Wish, gather

__all__ = ["Exporter", "Wish", "exporter", "exporter_of", "formats", "suggested_name", "write"]


def formats() -> tuple[str, ...]:
    """Return the names of the forms of export."""
    return registry.names("exporters")


def exporter(name: str) -> Exporter:
    """Return what writes a form of export.

    Raises
    ------
    InvalidValueError
        If there is none of that name.
    """
    made: Exporter = registry.load("exporters", name)()
    return made


def exporter_of(file_name: str) -> str | None:
    """Return the form of export that a file's name says; ``None`` if it says none."""
    suffixes = {exporter(name).suffix: name for name in formats()}
    found = [suffix for suffix in suffixes if file_name.lower().endswith(suffix)]
    return suffixes[max(found, key=len)] if found else None


def suggested_name(wish: Wish, format_: str) -> str:
    """Return what a file of an export can be called."""
    words = [tool.rpartition("/")[2] for tool in wish.tools[:5]]
    if wish.runs:
        words = ["run", *map(str, wish.runs[:5])]
    return harmless_name("-".join(words)) + exporter(format_).suffix


def write(
    client: Client, wish: Wish, format_: str, target: Path, *, replaces: bool = False
) -> Path:
    """Export what is wished for to a file, which is there whole or not at all.

    Raises
    ------
    ConflictError
        If something is there already, unless it `replaces`; or if a run goes on.
    InvalidValueError
        If there is no such form, or the file cannot be written.
    NotFoundError
        If there is no such run or tool for whoever asks.
    """
    if target.is_dir():
        target = target / suggested_name(wish, format_)
    if target.exists() and not replaces:
        raise ConflictError(
            f"{str(target)!r} is there already.",
            "Choose another name, or replace it with --force.",
            code="file_exists",
        )
    made_by = exporter(format_)
    wish = replace(wish, most_bytes=made_by.most_bytes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=target.parent, prefix=".tooi-export-") as folder,
            full_disk_in_words(target.parent),
        ):
            contents, made = Path(folder, "package"), Path(folder, f"export{made_by.suffix}")
            contents.mkdir()
            made_by.write(gather(client, wish, contents), made)
            made.replace(target)
    except OSError as error:
        raise InvalidValueError(
            f"{str(target)!r} cannot be written: {error.strerror or error}.",
            "Choose another folder.",
            code="folder_unwritable",
        ) from error
    return target
