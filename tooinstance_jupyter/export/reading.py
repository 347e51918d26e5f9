"""Takes an exported file apart again: the export, and what it holds of its contents.

Whoever made it is not trusted: names stay beneath the folder, sizes are limited, every content is
checked against its digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from ..errors import InvalidValueError
from ..file_names import harmless_paths
from ..wire import from_json
from .package import BLOCK_ID, METADATA, RECORD, Package
from .record import KIND, SCHEMA_VERSION, Export, ExportedFile, ExportedRun

MOST_BYTES = 4 * 2**30
_MOST_RECORD_BYTES = 256 * 2**20
_CHUNK_BYTES = 2**20


def read(path: Path, folder: Path) -> Package:
    """Read an exported notebook, page, archive or crate into an empty folder.

    Raises
    ------
    InvalidValueError
        If it cannot be read, is no export, or is not what it says.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PK\x03\x04":
            return _of_archive(path, folder)
        if path.stat().st_size > _MOST_RECORD_BYTES:
            raise _refused(path, "it is too large.")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, f"it cannot be read: {error}.") from error
    record = _in_page(text) if text.lstrip()[:1] == "<" else _in_notebook(path, text)
    if record is None:
        raise _refused(path, "it holds no export.")
    contents = record.pop("contents", {})
    if not isinstance(contents, dict):
        raise _refused(path, "its contents are no object.")
    return _checked(path, folder, record, _Embedded(contents))


class _Embedded:
    """Contents in Base64."""

    def __init__(self, contents: Mapping[str, object]) -> None:
        self._contents = contents

    def __call__(self, place: str, target: Path, most_bytes: int) -> bool:
        encoded = self._contents.get(place)
        if not isinstance(encoded, str):
            return False
        target.write_bytes(base64.b64decode(encoded, validate=True))
        return True


class _Packed:
    """Contents in a ZIP archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._room = MOST_BYTES

    def __call__(self, place: str, target: Path, most_bytes: int) -> bool:
        try:
            member = self._archive.getinfo(place)
        except KeyError:
            return False
        # what it says of its size may be a lie
        left = min(most_bytes, self._room) + 1
        with self._archive.open(member) as reader, target.open("wb") as writer:
            while left and (chunk := reader.read(min(_CHUNK_BYTES, left))):
                writer.write(chunk)
                left -= len(chunk)
                self._room -= len(chunk)
        if not left:
            raise ValueError(f"{place} is larger than it says")
        return True


def _of_archive(path: Path, folder: Path) -> Package:
    try:
        with zipfile.ZipFile(path) as archive:
            try:
                member = archive.getinfo(RECORD)
            except KeyError:
                raise _refused(path, f"there is no {RECORD} in it.") from None
            with archive.open(member) as reader:
                text = reader.read(_MOST_RECORD_BYTES)
            return _checked(path, folder, _object(path, text), _Packed(archive))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _refused(path, f"it is a broken archive: {error}.") from error


def _checked(path: Path, folder: Path, record: Mapping[str, Any], fetch: Any) -> Package:
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
    names = {tool.name for tool in export.tools}
    unknown = [run.tool for run in export.runs if run.tool not in names]
    if unknown:
        raise _refused(path, f"it has a run of {unknown[0]!r}, and no such tool.")
    files = [file for run in export.runs for file in run.contents() if file.place is not None]
    chosen = dict(
        zip(
            (str(file.place) for file in files),
            harmless_paths([str(file.place) for file in files]),
            strict=True,
        )
    )
    fetched: dict[str, str | None] = {}
    for file in files:
        place = str(file.place)
        if place not in fetched:
            target = folder / chosen[place]
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                is_there = fetch(place, target, file.size_bytes)
            except (ValueError, binascii.Error) as error:
                raise _refused(path, f"{error}.") from error
            fetched[place] = chosen[place] if is_there else None
            if is_there and _digest(target) != file.sha256:
                raise _refused(path, f"{file.path!r} of it is not what its digest says.")
    placed = [replace(run, **_placed(run, fetched)) for run in export.runs]
    return Package(folder, replace(export, runs=tuple(placed)))


def _placed(run: ExportedRun, fetched: Mapping[str, str | None]) -> dict[str, Any]:
    def one(file: ExportedFile) -> ExportedFile:
        return file if file.place is None else replace(file, place=fetched[file.place])

    return {
        "stdin": None if run.stdin is None else one(run.stdin),
        "inputs": tuple(map(one, run.inputs)),
        "stdout": one(run.stdout),
        "stderr": one(run.stderr),
        "files": tuple(map(one, run.files)),
    }


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


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refused(path: Path, why: str) -> InvalidValueError:
    return InvalidValueError(
        f"{path.name!r} cannot be taken as an export: {why}",
        "`%tooi export` makes notebooks, pages, archives and crates that can.",
        code="export_invalid",
    )
