"""Runs and tools as documents that open anywhere, and run again anywhere.

``gather`` asks a client for what is exported, without what must not leave; the exporters write it
as a notebook, a page, an archive or a crate; ``reading`` takes such a file apart again, and
``comparison`` tells how two runs differ.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from .. import registry
from ..client.base import Client
from ..errors import ConflictError, InvalidValueError, full_disk_in_words
from ..file_names import harmless_name
from .base import Exporter
from .gather import Wish, gather
from .package import CONTENTS
from .record import Export

__all__ = [
    "Exporter",
    "Wish",
    "Written",
    "exporter",
    "exporter_of",
    "formats",
    "write",
]


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


def _suggested_name(export: Export, suffix: str) -> str:
    """Return what a file of an export can be called: after its tools and its runs."""
    words = [tool.name for tool in export.tools[:3]]
    if export.runs:
        words.append("run" if len(export.runs) == 1 else "runs")
        words += [str(run.number) for run in export.runs[:5]]
    return harmless_name("-".join(words)) + suffix


@dataclass(frozen=True, slots=True)
class Written:
    """What an export was written to.

    Parameters
    ----------
    folder
        What is beside the file and goes with it; ``None`` where it goes alone.
    missing
        What of the runs is not in it, in words; empty if all is.
    """

    file: Path
    folder: Path | None = None
    missing: str = ""


def write(
    client: Client,
    wish: Wish,
    format_: str,
    target: Path,
    *,
    replaces: bool = False,
    alone: bool = False,
) -> Written:
    """Export what is wished for to a file, which is there whole or not at all.

    Parameters
    ----------
    target
        The file, or a folder in which it is called after what it holds.
    replaces
        Whether a file that is there is replaced.
    alone
        Whether the file goes alone: what is too large for it is named in it, and left behind.

    Raises
    ------
    ConflictError
        If something is there already, unless it is replaced; or if a run goes on.
    InvalidValueError
        If there is no such form, or the file cannot be written.
    NotFoundError
        If there is no such run or tool for whoever asks.
    """
    made_by = exporter(format_)
    is_named = not target.is_dir()
    parent = target.parent if is_named else target
    if is_named and not replaces:
        _refuse_what_is_there(target)
    most_bytes = made_by.most_bytes if alone else made_by.most_bytes_beside or made_by.most_bytes
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=parent, prefix=".tooi-export-") as own,
            full_disk_in_words(parent),
        ):
            contents, made = Path(own, "package"), Path(own, f"export{made_by.suffix}")
            contents.mkdir()
            package = gather(client, replace(wish, most_bytes=most_bytes), contents)
            if not is_named:
                target = parent / _suggested_name(package.export, made_by.suffix)
            folder = parent / f"{target.name.removesuffix(made_by.suffix)}_files"
            places = [] if alone else [str(file.place) for file in made_by.beside(package)]
            if not replaces:
                _refuse_what_is_there(target, *([folder] if places else []))
            addresses = {place: f"{folder.name}/{place}" for place in places}
            made_by.write(replace(package, addresses=addresses), made)
            beside = Path(own, "beside")
            for place in places:
                (beside / place).parent.mkdir(parents=True, exist_ok=True)
                (contents / place).replace(beside / place)
            before = Path(own, "before")
            if replaces and (folder / CONTENTS).exists():
                (folder / CONTENTS).rename(before)
            _put(made, target, beside / CONTENTS, folder / CONTENTS, before)
    except OSError as error:
        raise InvalidValueError(
            f"{str(target)!r} cannot be written: {error.strerror or error}.",
            "Choose another folder.",
            code="folder_unwritable",
        ) from error
    return Written(target, folder if places else None, package.export.missing)


def _put(made: Path, target: Path, beside: Path, inside: Path, before: Path) -> None:
    """Put a file and what is beside it in the place of earlier ones: both, or none of them."""
    try:
        if beside.exists():
            inside.parent.mkdir(exist_ok=True)
            beside.rename(inside)
        made.replace(target)
    except OSError:
        if beside.parent.exists() and inside.exists():
            inside.rename(beside)
        if before.exists():
            before.rename(inside)
        raise
    if before.exists():
        with suppress(OSError):
            inside.parent.rmdir()  # unless something is in it


def _refuse_what_is_there(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise ConflictError(
                f"{str(path)!r} is there already.",
                "Choose another name, or replace it with --force.",
                code="file_exists",
            )
