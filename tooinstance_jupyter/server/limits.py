"""How much one principal may ask of a server at once, and in a minute."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import TooManyError

_MOST_KNOWN = 10_000


class Rate:
    """How often each of many may do something in a minute; not safe for threads.

    Parameters
    ----------
    per_minute
        How often; 0 sets no limit. As many at once, and then as many as a minute gives back.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._left: dict[str, tuple[float, float]] = {}

    def check(self, name: str) -> None:
        """Count one more, or raise `TooManyError`."""
        if not self._per_minute:
            return
        now = time.monotonic()
        left, at = self._left.get(name, (float(self._per_minute), now))
        left = min(self._per_minute, left + (now - at) * self._per_minute / 60)
        if left < 1:
            wait_s = math.ceil((1 - left) * 60 / self._per_minute)
            raise TooManyError(
                f"More than {self._per_minute} requests in a minute.",
                f"Try again in {wait_s} s.",
                code="rate",
                retry_after_s=wait_s,
            )
        if len(self._left) >= _MOST_KNOWN:
            # whoever has all left is the same as somebody new
            self._left = {
                known: (left, at)
                for known, (left, at) in self._left.items()
                if left + (now - at) * self._per_minute / 60 < self._per_minute
            }
        self._left[name] = (left - 1, now)


class Seats:
    """How many streams each of many may have open; not safe for threads.

    Parameters
    ----------
    most
        How many; 0 sets no limit.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, name: str) -> Iterator[None]:
        """Take one for as long as the context lasts, or raise `TooManyError`."""
        if self._most and self._taken[name] >= self._most:
            raise TooManyError(
                f"You have {self._most} event streams open, as many as are allowed.",
                "Close one, for instance a notebook or a browser tab that follows a run.",
                code="streams",
            )
        self._taken[name] += 1
        try:
            yield
        finally:
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]
