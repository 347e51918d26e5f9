"""Input files that come with a run: put aside as they arrive, and gone once they are taken over.

Where they go for the run is left to ``run_directory``.
"""

from __future__ import annotations

import fcntl
import shutil
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from ..errors import InvalidValueError, MalformedError, TooInstanceError, full_disk_in_words
from ..records import new_id
from ..wire import RunRequest, from_json
from .calls import Sent

_MOST_PARTS = 10_000
_MOST_HEADER_BYTES = 16 * 1024
_MOST_NAME_BYTES = 255


class TooLargeError(TooInstanceError):
    """More was sent than is taken."""

    code = "too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class Spool:
    """The folder of this server's uploads; blocks.

    Parameters
    ----------
    folder
        Where all servers of a home have theirs; those of servers that were killed are removed.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        for other in folder.iterdir():
            with (other / "alive").open("a") if other.is_dir() else other.open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                shutil.rmtree(other, ignore_errors=True)
        self._folder = folder / new_id()
        self._folder.mkdir(mode=0o700)
        self._lock = (self._folder / "alive").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def new(self) -> Path:
        """Return a new folder for one upload."""
        place = self._folder / new_id()
        (place / "inputs").mkdir(parents=True, mode=0o700)
        return place

    def close(self) -> None:
        """Remove what is left."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()


class Form:
    """A ``multipart/form-data`` body, read as it arrives; blocks.

    Parameters
    ----------
    content_type
        With the boundary.
    folder
        Where its files go.
    most_bytes
        How large all files may be, together.
    most_json_bytes
        How large the part ``run`` may be.
    """

    def __init__(
        self, content_type: str, folder: Path, *, most_bytes: int, most_json_bytes: int
    ) -> None:
        boundary = _parameters(content_type).get("boundary", "")
        if not 0 < len(boundary) <= 200:
            raise MalformedError("The form has no boundary.", code="form_invalid")
        self._folder = folder
        self._most_bytes = most_bytes
        self._most_json_bytes = most_json_bytes
        self._size_bytes = 0
        self._parts = 0
        self._json: bytearray | None = None
        self._inputs: dict[str, Path] = {}
        self._stdin: Path | None = None
        self._file: BinaryIO | None = None
        self._sink: bytearray | None = None
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers: dict[str, str] = {}
        self._has_ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": lambda data, start, end: self._add_header(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._add_header(1, data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._open_part,
                "on_part_data": lambda data, start, end: self._add(data[start:end]),
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Read on."""
        try:
            with full_disk_in_words(self._folder):
                self._parser.write(chunk)
        except MultipartParseError as error:
            message = f"The form cannot be read: {error}."
            raise MalformedError(message, code="form_invalid") from error

    def result(self) -> Sent:
        """Return what was sent, once all is read."""
        if not self._has_ended:
            raise MalformedError("The form is not complete.", code="form_invalid")
        if self._json is None:
            raise InvalidValueError("The form has no part 'run'.", "It holds the request as JSON.")
        request = from_json(RunRequest, bytes(self._json), strict=True)
        if self._stdin is not None and request.stdin is not None:
            raise InvalidValueError("Standard input is given twice.", "As a part or in the JSON.")
        return Sent(request=request, inputs=tuple(self._inputs.values()), stdin=self._stdin)

    def close(self) -> None:
        """Remove the files."""
        if self._file is not None:
            self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise TooLargeError(f"The form has more than {_MOST_PARTS:,} parts.")
        self._headers = {}
        self._header = (bytearray(), bytearray())

    def _add_header(self, which: int, piece: bytes) -> None:
        self._header[which].extend(piece)
        if len(self._header[which]) > _MOST_HEADER_BYTES:
            raise TooLargeError("A header of a part is too long.")

    def _end_header(self) -> None:
        name, value = (bytes(text).decode("utf-8", "replace") for text in self._header)
        self._headers[name.strip().lower()] = value
        self._header = (bytearray(), bytearray())
        if len(self._headers) > 16:
            raise TooLargeError("A part has too many headers.")

    def _open_part(self) -> None:
        told = _parameters(self._headers.get("content-disposition", ""))
        match told.get("name"):
            case "run" if self._json is None:
                self._json = self._sink = bytearray()
            case "input":
                name = told.get("filename", "")
                _check_name(name, self._inputs)
                place = self._inputs[name] = self._folder / "inputs" / name
                self._file = place.open("xb")
            case "stdin" if self._stdin is None:
                self._stdin = self._folder / "stdin"
                self._file = self._stdin.open("xb")
            case other:
                raise InvalidValueError(
                    f"The form has a part {str(other)[:100]!r} that is not expected.",
                    "One 'run', one 'stdin' at most, and an 'input' for each file.",
                )

    def _add(self, data: bytes) -> None:
        if self._sink is not None:
            if len(self._sink) + len(data) > self._most_json_bytes:
                raise TooLargeError(
                    f"The part 'run' has more than {self._most_json_bytes:,} bytes."
                )
            self._sink.extend(data)
        elif self._file is not None:
            self._size_bytes += len(data)
            if self._size_bytes > self._most_bytes:
                raise TooLargeError(f"The files have more than {self._most_bytes:,} bytes.")
            self._file.write(data)

    def _end_part(self) -> None:
        self._sink = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _end(self) -> None:
        self._has_ended = True


def _parameters(header: str) -> dict[str, str]:
    """Return the parameters of a header, such as a part's name and file name."""
    message = Message()
    message["content-type"] = header.replace("\r", " ").replace("\n", " ")
    found = message.get_params(failobj=[], unquote=True)
    return {
        name.lower(): value if isinstance(value, str) else str(value[2])
        for name, value in found[1:]
    }


def _check_name(name: str, others: dict[str, Path]) -> None:
    problem = ""
    if name in ("", ".", "..") or "/" in name or "\\" in name:
        problem = "It must be the name of one file, without a folder."
    elif not name.isprintable() or len(name.encode("utf-8", "replace")) > _MOST_NAME_BYTES:
        problem = f"At most {_MOST_NAME_BYTES} bytes, all of which can be printed."
    elif name in others:
        problem = "Another one has it: they would overwrite each other."
    if problem:
        raise InvalidValueError(
            f"{name[:100]!r} cannot be the name of an input file.", problem, code="input_name"
        )
