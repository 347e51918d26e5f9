"""The builds of a server: each in a thread, as fair shares allow, stopped with the server.

What a build does is left to ``builds``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from ..build.sources import ParsedSource
from ..records import Tool, Version, VersionStatus
from .builds import Builds
from .shares import next_in_line

_logger = logging.getLogger(__name__)
_STOP_TIMEOUT_S = 10.0


class BuildLine:
    """What carries out builds.

    Parameters
    ----------
    on_ready
        Told of each version that was built, with its tool.
    wake
        Has the line gone through.
    """

    def __init__(
        self,
        builds: Builds,
        *,
        on_ready: Callable[[Tool, Version], None],
        wake: Callable[[], None],
    ) -> None:
        self._builds = builds
        self._on_ready = on_ready
        self._wake = wake
        self._threads: list[threading.Thread] = []

    async def begin_next(self) -> None:
        """Begin the builds whose turn it is."""
        await asyncio.to_thread(self._begin_next)

    def begin(self, version: Version, tool: Tool, parsed: ParsedSource) -> None:
        """Carry out a build that this process has taken, in a thread of its own."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(
            target=self._carry_out,
            args=(version, tool, parsed),
            name=f"tooinstance-build-{version.id}",
            # what does not stop with a server is taken up again by the next one
            daemon=self._builds.serves,
        )
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Wait for the builds; a server's are stopped, and left to the next one."""
        if not self._builds.serves:
            for thread in self._threads:
                thread.join()
            return
        self._builds.stop()
        until = time.monotonic() + _STOP_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _begin_next(self) -> None:
        tried: set[str] = set()
        while True:
            line = self._builds.line()
            waiting = [(key, owner) for key, owner in line.waiting if key not in tried]
            chosen = next_in_line(waiting, line.under_way, self._builds.shares)
            if not chosen:
                return
            for version_id in chosen:
                tried.add(version_id)
                if taken := self._builds.take_up(version_id):
                    self.begin(*taken)

    def _carry_out(self, version: Version, tool: Tool, parsed: ParsedSource) -> None:
        try:
            built = self._builds.carry_out(version, tool, parsed)
            if built.status is VersionStatus.READY:
                self._on_ready(tool, built)
        except Exception:
            if not self._builds.serves:
                raise
            _logger.exception("build ended without a record version=%s", version.id)
        finally:
            self._wake()
