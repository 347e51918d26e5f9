"""Containers that are started ahead for the tools that were used lately, each for one run only.

How one is made is left to ``waiting``. They are bounded in number, memory and age, and never given
to another owner than the one that they were made for.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ...config import TooInstance
from ...errors import TooInstanceError
from .order import Place
from .waiting import Maker, Waiting

_logger = logging.getLogger(__name__)
_LEAST_FREE_BYTES = 2**30


class Pool:
    """The containers that wait.

    Parameters
    ----------
    call
        Calls a function on another thread.
    """

    def __init__(
        self, maker: Maker, config: TooInstance, call: Callable[..., Awaitable[Any]]
    ) -> None:
        self._maker = maker
        self._config = config
        self._call = call
        self._waiting: OrderedDict[Place, Waiting] = OrderedDict()
        self._arming: dict[Place, asyncio.Task[None]] = {}
        self._is_closed = False
        self._one_at_a_time = asyncio.Lock()

    def take(self, place: Place) -> Waiting | None:
        """Return the container that waits at an equal place, which then waits for nobody else."""
        return self._waiting.pop(ahead(place), None)

    def arm(self, place: Place, *, after_s: float = 0.0) -> None:
        """Have a container wait at a place soon; in vain where there is no room for it."""
        key = ahead(place)
        if self._is_closed or self._config.armed_containers <= 0:
            return
        if key not in self._waiting and key not in self._arming:
            self._arming[key] = asyncio.ensure_future(self._arm(key, after_s))

    async def expire(self) -> None:
        """Remove those that have waited for too long, or that did not just wait."""
        oldest = time.monotonic() - self._config.armed_age_s
        for place, waiting in list(self._waiting.items()):
            is_old = waiting.made_at < oldest or waiting.is_spoilt()
            if is_old and self._waiting.get(place) is waiting:
                del self._waiting[place]
                await self._call(self._maker.discard, waiting)

    async def close(self, *, for_good: bool = False) -> None:
        """Remove all that wait, and make no more if it is for good."""
        self._is_closed = for_good
        for task in list(self._arming.values()):
            task.cancel()
        await asyncio.gather(*self._arming.values(), return_exceptions=True)
        while self._waiting:
            _, waiting = self._waiting.popitem()
            await self._call(self._maker.discard, waiting)

    async def forget(self, container: str) -> None:
        """Let go of a container that ended while it waited."""
        for place, waiting in list(self._waiting.items()):
            if waiting.id == container:
                del self._waiting[place]
                await self._call(self._maker.discard, waiting)

    async def forget_image(self, image: str) -> None:
        """Remove what waits in an image that is to be removed."""
        for place, task in list(self._arming.items()):
            if place.image == image:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        for place in [place for place in self._waiting if place.image == image]:
            await self._call(self._maker.discard, self._waiting.pop(place))

    async def _arm(self, place: Place, after_s: float) -> None:
        try:
            await asyncio.sleep(after_s)
            async with self._one_at_a_time:
                await self._make(place)
        except (TooInstanceError, OSError) as error:
            _logger.info("no container is started ahead image=%s reason=%s", place.image, error)
        except Exception:
            _logger.exception("no container can be started ahead image=%s", place.image)
        finally:
            self._arming.pop(place, None)

    async def _make(self, place: Place) -> None:
        if _free_bytes() < _LEAST_FREE_BYTES:
            return
        while len(self._waiting) >= self._config.armed_containers:
            _, oldest = self._waiting.popitem(last=False)
            await self._call(self._maker.discard, oldest)
        making = asyncio.ensure_future(self._call(self._maker.make, place))
        try:
            made = await asyncio.shield(making)
        except asyncio.CancelledError:
            if (late := await making) is not None:
                await self._call(self._maker.discard, late)
            raise
        if made is not None:
            self._waiting[place] = made


def ahead(place: Place) -> Place:
    """Return a place without what is only decided when it is run."""
    limits = dataclasses.replace(place.limits, timeout_s=0.0, log_bytes=0, output_files=0)
    return dataclasses.replace(place, limits=limits)


def _free_bytes() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 2 * _LEAST_FREE_BYTES  # not Linux: nothing is known
