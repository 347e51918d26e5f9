"""Exports of strangers: what is no export, or not what it says, is refused and leaves nothing."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.errors import InvalidValueError
from tooinstance_jupyter.export import reading

Write = Callable[[object], Path]


def content(data: bytes, path: str = "stdout", place: str = "runs/1/stdout") -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    return {"path": path, "size_bytes": len(data), "sha256": digest, "place": place}


def run(**more: Any) -> dict[str, Any]:
    told = {"number": 1, "tool": "probe", "status": "succeeded", "stdout": content(b"out")}
    return {**told, **more}


def tool(**source: str) -> dict[str, Any]:
    return {"name": "probe", "version_number": 1, "commit": "0" * 40, "source": source}


def export(**more: Any) -> dict[str, Any]:
    return {
        "kind": "tooinstance-export",
        "schema_version": 1,
        "title": "probe",
        "tools": [{"name": "probe", "version_number": 1}],
        "runs": [run()],
        "contents": {"runs/1/stdout": base64.b64encode(b"out").decode()},
        **more,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "read"
    folder.mkdir()
    return folder


def of(told: object, path: Path) -> Path:
    path.write_text(json.dumps({"metadata": {"tooinstance": told}, "cells": []}))
    return path


def test_what_is_what_it_says_is_read(tmp_path: Path, folder: Path) -> None:
    package = reading.read(of(export(), tmp_path / "x.ipynb"), folder)
    assert package.read(package.export.runs[0].stdout) == b"out"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"metadata": []}',
        '{"metadata": {"tooinstance": 1}}',
        "<html><p>nothing</p></html>",
        '<script id="tooinstance-export">{</script>',
        "[" * 100_000,
        "PK\x03\x04 but no archive",
    ],
)
def test_what_is_no_export_is_refused_in_words(tmp_path: Path, folder: Path, text: str) -> None:
    file = tmp_path / "x.ipynb"
    file.write_text(text)
    with pytest.raises(InvalidValueError, match="cannot be taken as an export"):
        reading.read(file, folder)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "something"},
        {"schema_version": 2},
        {"runs": [{"number": 1, "tool": "other", "status": "succeeded"}]},
        {"runs": [{"number": 1, "tool": "probe", "status": "happy"}]},
        {"contents": []},
        {"contents": {"runs/1/stdout": "%%%"}},
        {"contents": {"runs/1/stdout": base64.b64encode(b"another").decode()}},
        {"tools": {}},
        {"tools": [{"name": "-i", "version_number": 1}]},
        {"tools": [{"name": "a\nb", "version_number": 1}]},
        {"tools": [tool(kind="git", location="/home/you")]},
        {"tools": [tool(kind="git", location="https://me:x@example.org/a")]},
        {"tools": [tool(kind="git", location="https://example.org/a", ref="main")]},
        {"tools": [{"name": "probe", "version_number": 1}] * 2},
        {"runs": [run(stdout={**content(b"out"), "size_bytes": -2})]},
        {"runs": [run(stdout={**content(b"out"), "size_bytes": 2})]},
        {"runs": [run(stdout={**content(b"out"), "size_bytes": 2**60})]},
        {"runs": [run(files=[content(b"out", "other")])]},
    ],
)
def test_what_is_not_as_it_says_is_refused(
    tmp_path: Path, folder: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(InvalidValueError):
        reading.read(of(export(**change), tmp_path / "x.ipynb"), folder)


@pytest.mark.parametrize("place", ["../outside", "/etc/outside", "a/../../outside", "..", "", "."])
def test_no_content_leaves_the_folder(tmp_path: Path, folder: Path, place: str) -> None:
    told = copy.deepcopy(export())
    told["runs"][0]["stdout"] = content(b"out", place=place)
    told["contents"] = {place: base64.b64encode(b"out").decode()}
    package = reading.read(of(told, tmp_path / "x.ipynb"), folder)
    path = package.path(package.export.runs[0].stdout)
    assert path is not None
    assert path.resolve().is_relative_to(folder)
    assert {file.name for file in tmp_path.iterdir()} == {"x.ipynb", "read"}


def test_an_archive_that_unpacks_to_more_than_it_says_is_given_up(
    tmp_path: Path, folder: Path
) -> None:
    told = export()
    del told["contents"]
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tooinstance.json", json.dumps(told))
        archive.writestr("runs/1/stdout", bytes(50_000_000))
    with pytest.raises(InvalidValueError, match="not what its digest says"):
        reading.read(file, folder)
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) < 100


def test_what_an_archive_lacks_is_not_there(tmp_path: Path, folder: Path) -> None:
    told = export()
    del told["contents"]
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tooinstance.json", json.dumps(told))
    package = reading.read(file, folder)
    assert package.read(package.export.runs[0].stdout) is None
