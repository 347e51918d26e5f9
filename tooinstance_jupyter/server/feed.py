"""The changes of an installation, read once for all who listen at a server."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import TooInstanceError
from ..records import Change

if TYPE_CHECKING:
    from ..service.changes import Changes

_logger = logging.getLogger(__name__)
_MOST_KEPT = 2_000
_LOOK_EVERY_S = 1.0


class Feed:
    """What has changed, as far back as is kept in memory or else in the store.

    Parameters
    ----------
    changes
        Where changes come from.
    in_thread
        Does blocking work.
    """

    def __init__(self, changes: Changes, in_thread: Callable[..., Awaitable[Any]]) -> None:
        self._changes = changes
        self._in_thread = in_thread
        self._kept: deque[Change] = deque(maxlen=_MOST_KEPT)
        self._listeners: set[Callable[[Change], None]] = set()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stop: Callable[[], None] = lambda: None
        self._is_closed = False
        self.last = 0

    async def begin(self) -> None:
        """Read from now on."""
        self.last = await self._in_thread(self._changes.last)
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._woken.set)

        self._stop = await self._in_thread(self._changes.listen, wake)
        self._task = asyncio.create_task(self._read())

    def on_change(self, told: Callable[[Change], None]) -> Callable[[], None]:
        """Have each change told from now on; returns what ends that."""
        self._listeners.add(told)
        return lambda: self._listeners.discard(told)

    async def after(self, last: int) -> Sequence[Change] | None:
        """Return the changes after one, oldest first, maybe not all; ``None`` if it is too old."""
        if last >= self.last:
            return ()
        if self._kept and self._kept[0].id <= last + 1:
            return [change for change in self._kept if change.id > last]
        found: Sequence[Change] | None = await self._in_thread(self._changes.after, last)
        return found

    async def close(self) -> None:
        """Read no more."""
        self._is_closed = True
        self._woken.set()
        if self._task is not None:
            await self._task
        await asyncio.to_thread(self._stop)

    async def _read(self) -> None:
        while not self._is_closed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _LOOK_EVERY_S)
            self._woken.clear()
            try:
                await self._read_on()
            except TooInstanceError as error:
                _logger.warning("changes cannot be read now reason=%s", error)
                await asyncio.sleep(_LOOK_EVERY_S)
            except Exception:  # whoever listens must hear of what comes after it
                _logger.exception("changes cannot be read now")
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _read_on(self) -> None:
        while not self._is_closed:
            found = await self._in_thread(self._changes.after, self.last)
            if found is None:
                self._kept.clear()
                self.last = await self._in_thread(self._changes.last)
                return
            for change in found:
                self.last = change.id
                self._kept.append(change)
                for told in tuple(self._listeners):
                    told(change)
            if not found:
                return
