"""A new run as a multipart request, whose files are read bit by bit as they are sent."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidValueError
from ..requests import NewRun
from ..run_directory import check_inputs
from ..wire import RunRequest
from .connection import sent

_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """The content of a request, its type, and its size (bytes) if it is sent bit by bit."""

    content: bytes | Iterator[bytes]
    headers: dict[str, str]


def body_of(new: NewRun) -> Body:
    """Return what is sent of a new run.

    Raises
    ------
    InvalidValueError
        If an input is missing, no regular file, or has a name that cannot be sent.
    """
    check_inputs(new.inputs)
    check_inputs([new.stdin] if isinstance(new.stdin, Path) else [])
    request = sent(RunRequest, RunRequest.of(new))
    if not new.inputs and new.stdin is None:
        return Body(request, {"Content-Type": "application/json"})
    boundary = secrets.token_hex(16)
    parts: list[tuple[bytes, bytes | Path]] = [
        (_head(boundary, "run", None, "application/json"), request),
        *((_head(boundary, "input", path.name), path) for path in new.inputs),
    ]
    if new.stdin is not None:
        parts.append((_head(boundary, "stdin", "stdin"), new.stdin))
    end = f"--{boundary}--\r\n".encode()
    sized = [(head, content, _size(content)) for head, content in parts]
    total = sum(len(head) + size + 2 for head, _, size in sized) + len(end)
    return Body(
        _pieces(sized, end),
        {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(total),
        },
    )


def _head(
    boundary: str, name: str, file: str | None, kind: str = "application/octet-stream"
) -> bytes:
    named = "" if file is None else f'; filename="{_file_name(file)}"'
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    ).encode()


def _file_name(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        readable = False
    else:
        readable = name.isprintable()
    if not readable:
        raise InvalidValueError(
            f"The input {name!r} has a name that cannot be sent to a server.",
            "Rename it: to characters that can be printed.",
            code="input_name",
        )
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _size(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _pieces(parts: Sequence[tuple[bytes, bytes | Path, int]], end: bytes) -> Iterator[bytes]:
    for head, content, size in parts:
        yield head
        if isinstance(content, bytes):
            yield content
        else:
            yield from _pieces_of_file(content, size)
        yield b"\r\n"
    yield end


def _pieces_of_file(path: Path, size: int) -> Iterator[bytes]:
    """Yield as much of a file as was announced."""
    left = size
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            while left and (piece := file.read(min(left, _CHUNK_BYTES))):
                left -= len(piece)
                yield piece
    except OSError as error:
        raise InvalidValueError(
            f"An input file cannot be read: {error}.", code="input_unreadable"
        ) from error
    if left:
        raise InvalidValueError(
            f"{str(path)!r} became shorter while it was sent.",
            "Try again once nothing writes to it.",
            code="input_unreadable",
        )
