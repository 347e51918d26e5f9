"""Archives as streams of bytes, zip or tar, of files that may change or vanish meanwhile.

Memory stays flat whatever the files' sizes. Which files those are is left to ``service.outputs``.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal

from .errors import OutputMissingError

ArchiveFormat = Literal["zip", "tar"]

_CHUNK_BYTES = 2**18
_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive.

    Parameters
    ----------
    name
        Its path in the archive, harmless already.
    size_bytes
        The size that is announced: a longer file is cut there, a shorter one ends the archive in
        the middle, since neither form can take back what it announced.
    file
        Opened for reading; closed once it is written.
    """

    name: str
    size_bytes: int
    file: BinaryIO


def stream(format_: ArchiveFormat, entries: Iterable[Entry], at: datetime) -> Iterator[bytes]:
    """Yield an archive of entries, all with one time of modification.

    Raises
    ------
    OutputMissingError
        If a file turns out to be shorter than announced; what was yielded is no archive then.
    """
    return _zip(entries, at) if format_ == "zip" else _tar(entries, at)


def _zip(entries: Iterable[Entry], at: datetime) -> Iterator[bytes]:
    sink = _Sink()
    # what cannot be sought in is written with sizes and checksums behind the files
    archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED)
    local = at.astimezone()
    date = (max(local.year, 1980), local.month, local.day, local.hour, local.minute, local.second)
    for entry in entries:
        entry_info = zipfile.ZipInfo(entry.name, date)
        entry_info.external_attr = (0o100000 | _MODE) << 16
        entry_info.create_system = 3
        entry_info.file_size = entry.size_bytes
        with archive.open(entry_info, "w") as writer:
            for chunk in _exactly(entry):
                writer.write(chunk)
                yield from sink.drain()
    archive.close()
    yield from sink.drain()


def _tar(entries: Iterable[Entry], at: datetime) -> Iterator[bytes]:
    written = 0
    for entry in entries:
        entry_info = tarfile.TarInfo(entry.name)
        entry_info.size = entry.size_bytes
        entry_info.mode = _MODE
        entry_info.mtime = int(at.timestamp())
        header = entry_info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        yield header
        yield from _exactly(entry)
        padding = -entry.size_bytes % tarfile.BLOCKSIZE
        if padding:
            yield bytes(padding)
        written += len(header) + entry.size_bytes + padding
    written += 2 * tarfile.BLOCKSIZE
    yield bytes(2 * tarfile.BLOCKSIZE + -written % tarfile.RECORDSIZE)


def _exactly(entry: Entry) -> Iterator[bytes]:
    left = entry.size_bytes
    with entry.file as file:
        while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk
    if left:
        raise OutputMissingError(
            f"{entry.name!r} became shorter while it was packed: {left:,} of "
            f"{entry.size_bytes:,} bytes are missing.",
            "Download it again.",
        )


class _Sink(io.RawIOBase):
    """Takes what is written until it is drained; it can neither be sought in nor told from."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, chunk: bytes, /) -> int:  # type: ignore[override]
        self._chunks.append(bytes(chunk))
        return len(chunk)

    def drain(self) -> Iterator[bytes]:
        chunks, self._chunks = self._chunks, []
        yield from chunks
