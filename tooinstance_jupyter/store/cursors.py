"""The places where pages of lists end, as text that callers can only hand back.

A checksum tells cursors that were cut or mixed up; they need no secret, since they give no rights.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from ..errors import MalformedError
from ..records import Page

R = TypeVar("R")


def page(found: list[R], limit: int, place: Callable[[R], str]) -> Page[R]:
    """Return the first `limit` of what was found, and where to go on if there is more."""
    if len(found) <= limit:
        return Page(items=found)
    return Page(items=found[:limit], next_cursor=place(found[limit - 1]))


def write(kind: str, *place: str | int) -> str:
    """Return a cursor of a kind of list that stands for a place in it."""
    text = json.dumps([kind, *place]).encode()
    return base64.urlsafe_b64encode(zlib.crc32(text).to_bytes(4) + text).decode().rstrip("=")


def read(cursor: str, kind: str, *parts: Callable[[Any], Any]) -> list[Any]:
    """Return the place that a cursor stands for, each part of it read by one of `parts`.

    Raises
    ------
    MalformedError
        If it was not written for this kind of list, whatever else it is.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True)
        if zlib.crc32(raw[4:]).to_bytes(4) == raw[:4]:
            told = json.loads(raw[4:])
            if isinstance(told, list) and told[:1] == [kind]:
                return [part(value) for part, value in zip(parts, told[1:], strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        pass
    raise MalformedError(
        "The cursor is not one of this list.", "Begin again without it.", code="cursor_invalid"
    )


def number(value: Any) -> int:
    """Read a number that a database can hold."""
    if type(value) is int and 0 <= value < 2**63:
        return value
    raise ValueError(value)


def moment(value: Any) -> datetime:
    """Read an aware moment."""
    return datetime.fromisoformat(value).astimezone(UTC)


def word(value: Any) -> str:
    """Read an identifier."""
    if isinstance(value, str) and value.isascii():
        return value
    raise ValueError(value)
