"""Takes an exported file apart again: the export, and what it holds of its contents.

Whoever made it is not trusted: names stay beneath the folder, sizes are limited, every content is
checked against its digest.
"""

from __future__ import annotations

import base64
import binascii
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any

from ..errors import InvalidValueError
from ..foreign_files import open_beneath
from ..records import new_id
from ..run_directory import hash_file
from ..wire import from_json
from . import pinning
from .package import BLOCK_ID, METADATA, RECORD, Package
from .record import KIND, SCHEMA_VERSION, Export, ExportedFile, ExportedRun

MOST_BYTES = 4 * 2**30
_MOST_RECORD_BYTES = 64 * 2**20
_MOST_PACKED_RECORD_BYTES = 16 * 2**20
_MOST_FILES = 100_000
_Fetch = Callable[[str, Path, int], bool]
_CHUNK_BYTES = 2**20


def read(
    path: Path, folder: Path, *, most_bytes: int = MOST_BYTES, looks_beside: bool = False
) -> Package:
    """Read an exported notebook, page, archive or crate into an empty folder.

    Parameters
    ----------
    most_bytes
        What its contents may be in all.
    looks_beside
        Whether contents that a notebook has beside it are taken from there.

    Raises
    ------
    InvalidValueError
        If it cannot be read, is no export, or is not what it says.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PK\x03\x04":
            return _of_archive(path, folder, most_bytes)
        if path.stat().st_size > _MOST_RECORD_BYTES:
            raise _refused(path, "it is too large.")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, f"it cannot be read: {error}.") from error
    record = _in_page(text) if text.lstrip()[:1] == "<" else _in_notebook(path, text)
    if record is None:
        raise _refused(path, "it holds no export.")
    contents, beside = record.pop("contents", {}), record.pop("beside", {})
    if not isinstance(contents, dict) or not isinstance(beside, dict):
        raise _refused(path, "its contents are no object.")
    fetches: list[_Fetch] = [_Embedded(contents)]
    if looks_beside:
        # what is beneath it is opened through no link; it may be reached by one
        fetches.append(_Beside(path.parent.resolve(), beside))
    return _checked(path, folder, record, fetches, most_bytes)


class _Embedded:
    """Contents in Base64."""

    def __init__(self, contents: Mapping[str, object]) -> None:
        self._contents = contents

    def __call__(self, place: str, target: Path, size_bytes: int) -> bool:
        encoded = self._contents.get(place)
        if not isinstance(encoded, str):
            return False
        target.write_bytes(base64.b64decode(encoded, validate=True))
        return True


class _Beside:
    """Contents in files beneath the folder of a notebook."""

    def __init__(self, folder: Path, addresses: Mapping[str, object]) -> None:
        self._folder = folder
        self._addresses = addresses

    def __call__(self, place: str, target: Path, size_bytes: int) -> bool:
        address = self._addresses.get(place)
        if not isinstance(address, str):
            return False
        try:
            file = open_beneath(self._folder, address)
        except (FileNotFoundError, ValueError):
            return False
        with file:
            _copy(file, target, size_bytes)
        return True


class _Packed:
    """Contents in a ZIP archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def __call__(self, place: str, target: Path, size_bytes: int) -> bool:
        try:
            member = self._archive.getinfo(place)
        except KeyError:
            return False
        with self._archive.open(member) as reader:
            _copy(reader, target, size_bytes)
        return True


def _copy(reader: IO[bytes], target: Path, size_bytes: int) -> None:
    # what is said of its size may be a lie
    left = size_bytes + 1
    with target.open("wb") as writer:
        while left > 0 and (chunk := reader.read(min(_CHUNK_BYTES, left))):
            writer.write(chunk)
            left -= len(chunk)


def _of_archive(path: Path, folder: Path, most_bytes: int) -> Package:
    try:
        with zipfile.ZipFile(path) as archive:
            try:
                member = archive.getinfo(RECORD)
            except KeyError:
                raise _refused(path, f"there is no {RECORD} in it.") from None
            with archive.open(member) as reader:
                text = reader.read(_MOST_PACKED_RECORD_BYTES)
            record = _object(path, text)
            return _checked(path, folder, record, [_Packed(archive)], most_bytes)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _refused(path, f"it is a broken archive: {error}.") from error


def _checked(
    path: Path, folder: Path, record: Mapping[str, Any], fetches: Sequence[_Fetch], most_bytes: int
) -> Package:
    if record.get("kind") != KIND:
        raise _refused(path, "it holds no export.")
    if record.get("schema_version") != SCHEMA_VERSION:
        raise InvalidValueError(
            f"{path.name!r} is an export of version {record.get('schema_version')!r}, which is not "
            "known here.",
            "A newer tooinstance-jupyter may read it.",
            code="export_version",
        )
    export = from_json(Export, json.dumps(record))
    if why := _problem(export, most_bytes):
        raise _refused(path, why)
    runs = [_fetched(path, folder, run, fetches) for run in export.runs]
    return Package(folder, replace(export, runs=tuple(runs)))


def _problem(export: Export, most_bytes: int) -> str:
    """Return why an export cannot be what it says, empty if it can."""
    for tool in export.tools:
        if why := pinning.problem(tool):
            return f"{tool.name[:80]!r} of it: {why}"
    names = {tool.name for tool in export.tools}
    if len(names) < len(export.tools):
        return "it has two tools of one name."
    for run in export.runs:
        if run.tool not in names:
            return f"it has a run of {run.tool[:80]!r}, and no such tool."
    files = [file for run in export.runs for file in run.contents]
    if len(files) > _MOST_FILES or any(min(file.size_bytes, file.cut_bytes) < 0 for file in files):
        return "it has files of impossible number or size."
    kept = [file for file in files if file.place is not None]
    if len({file.place for file in kept}) < len(kept):
        return "two files of it are one."
    if sum(file.size_bytes for file in kept) > most_bytes:
        return f"it holds more than {most_bytes} bytes."
    return ""


def _fetched(path: Path, folder: Path, run: ExportedRun, fetches: Sequence[_Fetch]) -> ExportedRun:
    """Return a run whose contents are in the folder, under names that nobody chose."""

    def one(file: ExportedFile) -> ExportedFile:
        if file.place is None:
            return file
        target = folder / new_id()
        try:
            is_there = any(fetch(file.place, target, file.size_bytes) for fetch in fetches)
        except (ValueError, binascii.Error, OSError, zlib.error) as error:
            raise _refused(path, f"{error}.") from error
        if not is_there:
            return replace(file, place=None, note=file.note or "it is not in the export")
        if target.stat().st_size != file.size_bytes or hash_file(target) != file.sha256:
            raise _refused(path, f"{file.path[:80]!r} of it is not what its digest says.")
        return replace(file, place=target.name)

    return replace(
        run,
        stdin=None if run.stdin is None else one(run.stdin),
        inputs=tuple(map(one, run.inputs)),
        stdout=one(run.stdout),
        stderr=one(run.stderr),
        files=tuple(map(one, run.files)),
    )


def _in_notebook(path: Path, text: str) -> dict[str, Any] | None:
    metadata = _object(path, text).get("metadata")
    record = metadata.get(METADATA) if isinstance(metadata, dict) else None
    return record if isinstance(record, dict) else None


def _in_page(text: str) -> dict[str, Any] | None:
    found = _Finder()
    found.feed(text)
    return _object(Path("page"), found.block) if found.block else None


class _Finder(HTMLParser):
    """Finds the block of a page that is for programs."""

    def __init__(self) -> None:
        super().__init__()
        self.block = ""
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_inside = tag == "script" and dict(attrs).get("id") == BLOCK_ID

    def handle_data(self, data: str) -> None:
        if self._is_inside:
            self.block += data

    def handle_endtag(self, tag: str) -> None:
        self._is_inside = False


def _object(path: Path, text: str | bytes) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"it is no JSON: {error}.") from error
    if not isinstance(told, dict):
        raise _refused(path, "it is no object of JSON.")
    return told


def _refused(path: Path, why: str) -> InvalidValueError:
    return InvalidValueError(
        f"{path.name!r} cannot be taken as an export: {why}",
        "`%tooi export` makes notebooks, pages, archives and crates that can.",
        code="export_invalid",
    )
