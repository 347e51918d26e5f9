"""Content and archives as answers: in parts, with validators, and piece by piece.

What is read is left to ``operations``.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from tornado.web import RequestHandler

from ..errors import TooInstanceError
from .calls import Archive, Content

if TYPE_CHECKING:
    from .context import Context

CSP = "default-src 'none'; sandbox; frame-ancestors 'none'"
_CHUNK_BYTES = 256 * 1024
_STALLED_S = 60.0
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class RangeError(TooInstanceError):
    """There is no such part of a file.

    Parameters
    ----------
    size_bytes
        How much there is.
    """

    code = "range"
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"There is no such part: it has {size_bytes} bytes.")
        self.size_bytes = size_bytes


class BrokenError(Exception):
    """An answer that was begun cannot be ended as it was announced."""


def disposition(name: str) -> str:
    r"""Return a ``Content-Disposition`` that saves under a name, whatever is in it.

    Examples
    --------
    >>> disposition('a"\r\nb.txt')
    "attachment; filename=\"a___b.txt\"; filename*=UTF-8''a%22%0D%0Ab.txt"
    """
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%;' else "_" for c in name)
    exact = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"


async def send_content(
    handler: RequestHandler, context: Context, content: Content, *, is_head: bool
) -> None:
    """Answer with a file, or the part of it that is asked for."""
    try:
        begin, end = _prepared(handler, content)
        if not is_head and begin < end:
            await context.in_thread(content.file.seek, begin)
            await _send(handler, context, content.file, end - begin)
    finally:
        context.begin_in_thread(content.file.close)


async def send_archive(handler: RequestHandler, context: Context, archive: Archive) -> None:
    """Answer with an archive, as it is packed."""
    _set_headers(handler, archive.name, archive.media_type)
    chunks = archive.chunks
    try:
        while (chunk := await context.in_thread(next, chunks, None, is_slow=True)) is not None:
            if chunk:
                handler.write(chunk)
                await _flush(handler)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            context.begin_in_thread(close)


def part(header: str | None, size: int) -> tuple[int, int] | None:
    """Return begin and end of the part that a ``Range`` asks for; ``None`` for all.

    What cannot be read, or asks for several parts, asks for all.

    Raises
    ------
    ValueError
        If there is no such part.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        begin, end = max(size - int(match[2]), 0), size
    else:
        begin = int(match[1])
        end = min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < begin:
            return None
    if begin >= end:
        raise ValueError(header)
    return begin, end


def _prepared(handler: RequestHandler, content: Content) -> tuple[int, int]:
    """Set status and headers; return what is to be sent."""
    headers = handler.request.headers
    size = content.size_bytes
    _set_headers(handler, content.name, content.media_type)
    handler.set_header("Accept-Ranges", "bytes")
    if content.etag:
        handler.set_header("Etag", content.etag)
        if _is_named(content.etag, headers.get("If-None-Match")):
            handler.set_status(HTTPStatus.NOT_MODIFIED)
            return 0, 0
    if_range = headers.get("If-Range")
    asked = headers.get("Range") if if_range in (None, content.etag) else None
    try:
        found = part(asked, size)
    except ValueError:
        raise RangeError(size) from None
    begin, end = found or (0, size)
    if found is not None:
        handler.set_status(HTTPStatus.PARTIAL_CONTENT)
        handler.set_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
    handler.set_header("Content-Length", str(end - begin))
    return begin, end


def _set_headers(handler: RequestHandler, name: str, media_type: str) -> None:
    handler.set_header("Content-Type", media_type)
    handler.set_header("Content-Disposition", disposition(name))
    handler.set_header("Content-Security-Policy", CSP)
    handler.set_header("Cache-Control", "private, no-cache")


def _is_named(etag: str, header: str | None) -> bool:
    if header is None:
        return False
    named = [one.strip().removeprefix("W/") for one in header.split(",")]
    return "*" in named or etag in named


async def _send(handler: RequestHandler, context: Context, file: BinaryIO, size: int) -> None:
    while size:
        chunk = await context.in_thread(file.read, min(_CHUNK_BYTES, size))
        if not chunk:
            raise BrokenError
        size -= len(chunk)
        handler.write(chunk)
        await _flush(handler)


async def flush(handler: RequestHandler, *, stalled_s: float | None = _STALLED_S) -> bool:
    """Send what was written; tell whether whoever asked still takes it, within so many seconds."""
    flushed = handler.flush()
    if not flushed.done():
        await asyncio.wait([flushed], timeout=stalled_s)
    return flushed.done() and flushed.exception() is None


async def _flush(handler: RequestHandler) -> None:
    if not await flush(handler):
        raise BrokenError
