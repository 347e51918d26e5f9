"""Records to show, and what an HTML display may consist of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings

from tooinstance_jupyter.errors import NotFoundError
from tooinstance_jupyter.records import (
    Candidate,
    Failure,
    InputFile,
    Interface,
    Option,
    OptionKind,
    OutputFile,
    OutputKind,
    Principal,
    Run,
    RunStatus,
    Source,
    SourceKind,
    StreamSize,
    Subcommand,
    Tool,
    Version,
    VersionStatus,
    now,
)

# a shared machine may be slow
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

_TAGS = {
    "a", "b", "br", "code", "dd", "details", "div", "dl", "dt", "img", "pre", "progress",
    "span", "style", "summary", "table", "tbody", "td", "th", "thead", "tr",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "rel", "target"},
    "img": {"alt", "src"},
    "details": {"open"},
    "progress": {"value", "max"},
    "span": {"class", "style"},
}
_CSS = re.compile(
    r"(?:(?:color|background-color):#[0-9a-f]{3,6}|font-weight:bold|opacity:0\.7|font-style:italic"
    r"|text-decoration:underline)(?:;|$)"
)


class Checker(HTMLParser):
    """Refuses whatever a display does not need."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.shown: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS, tag
        self.tags.append(tag)
        if tag not in ("img", "br"):
            self.open.append(tag)
        for name, value in attrs:
            assert name in _ATTRIBUTES.get(tag, {"class"}), (tag, name)
            if name == "class":
                assert re.fullmatch(r"[a-z -]+", value or ""), value
            if name == "style":
                assert not _CSS.sub("", value or ""), value
            if name == "href":
                assert (value or "").startswith(("http://", "https://")), value
                self.links.append(value or "")
            if name == "src":
                assert re.match(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=]*$", value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            assert "url(" not in data
            assert "@import" not in data
        else:
            self.shown.append(data)


def check_html(html: str) -> Checker:
    """Return what was parsed, once sure that it holds only what is allowed."""
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert not checker.open
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    return checker


def check_text(text: str) -> None:
    """Make sure that a text cannot steer a terminal."""
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def make_source(text: str = "https://example.org/probe") -> Source:
    return Source(kind=SourceKind.GIT, location=text, ref="main")


def make_tool(text: str = "probe", **changes: Any) -> Tool:
    fields: dict[str, Any] = {"owner": text, "name": text, "source": make_source(text)}
    return Tool(**{**fields, "description": text, "access": (text,), **changes})


def make_interface(text: str = "text") -> Interface:
    choice = Option(names=("-" + text,), kind=OptionKind.CHOICE, choices=(text,), default=text)
    word = Option(names=(text,), metavar=text, help=text, group=text, opposite=text)
    return Interface(
        usage=text,
        options=(choice, word),
        arguments=(Option(metavar=text, help=text, is_required=True),),
        subcommands=(Subcommand(name=text, help=text, options=(word, choice), is_read=True),),
    )


def make_version(text: str = "text", **changes: Any) -> Version:
    fields: dict[str, Any] = {
        "tool_id": "t", "number": 1, "source": make_source(text), "engine": text,
        "status": VersionStatus.READY, "message": text, "commit": text, "runtime": text,
        "entry_point": text, "notes": (text,),
        "candidates": (Candidate(runtime=text, entry_point="x" + text, reason=text),),
        "interface": make_interface(text),
    }  # fmt: skip
    return Version(**{**fields, **changes})


def make_run(text: str = "text", **changes: Any) -> Run:
    fields: dict[str, Any] = {
        "number": 12, "owner": text, "tool_id": "t", "tool_name": text, "version_id": "v",
        "version_number": 1, "environment_id": "e", "arguments": (text, "b"), "label": text,
        "status": RunStatus.SUCCEEDED, "message": text, "exit_code": 0, "engine": text,
        "isolation": text, "started_at": now() - timedelta(seconds=3), "finished_at": now(),
        "inputs": (InputFile(path=text, size_bytes=1, sha256=text),), "output": OutputKind.BOTH,
        "failure": Failure(code=text, message=text, hint=text),
        "files": (
            OutputFile(path=text, size_bytes=5, sha256=text, media_type=text),
            OutputFile(path=text + ".csv", size_bytes=50, media_type="text/csv"),
            OutputFile(path="skipped", size_bytes=0, skipped=text),
        ),
    }  # fmt: skip
    return Run(**{**fields, **changes})


@dataclass
class Shelf:
    """A client of one run whose streams and files are on disk, as the one in this process."""

    folder: Path
    run: Run
    reads: list[int] = field(default_factory=list)

    @property
    def principal(self) -> Principal:
        return Principal(name=self.run.owner)

    def get_run(self, number: int) -> Run:
        assert number == self.run.number
        return self.run

    def read_output(self, number: int, stream: str, *, offset: int = 0, size: int = -1) -> bytes:
        place = self.folder / stream
        if not place.exists():
            return b""
        with place.open("rb") as file:
            file.seek(offset)
            data = file.read(size)
        self.reads.append(len(data))
        return data

    def output_size(self, number: int, stream: str) -> int:
        place = self.folder / stream
        return place.stat().st_size if place.exists() else 0

    def read_file(self, number: int, path: str, *, size: int = -1) -> bytes:
        with self.file_path(number, path).open("rb") as file:
            return file.read(size)

    def file_path(self, number: int, path: str) -> Path:
        place = self.folder / "work" / path
        if not place.is_file():
            raise NotFoundError(f"Run {number} has no file {path!r}.")
        return place

    def write(self, stream: str, data: bytes) -> None:
        (self.folder / stream).write_bytes(data)
        size = StreamSize(total_bytes=len(data), kept_bytes=len(data))
        self.run = make_run(**{"stdout": self.run.stdout, "files": self.run.files, stream: size})


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    (tmp_path / "work").mkdir()
    return Shelf(tmp_path, make_run(files=()))


@pytest.fixture(scope="session")
def samples() -> SimpleNamespace:
    """Makers of records and checkers of displays."""
    return SimpleNamespace(
        check_html=check_html, check_text=check_text, run=make_run, tool=make_tool,
        version=make_version,
    )  # fmt: skip
