"""What all handlers of a server share: the installation, threads, limits, watches.

The threads are the one place where a handler's blocking work is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ..config import TooInstance
from ..errors import TooInstanceError
from ..records import Change, ChangeKind, Principal, Run, RunStatus, Version, VersionStatus
from .answers import Health
from .identity import Identities, seen
from .limits import Rate, Seats
from .metrics import Metrics
from .opening import Opening

if TYPE_CHECKING:
    from ..service.installation import Installation
    from .feed import Feed
    from .uploads import Spool
    from .watches import Watches

T = TypeVar("T")
_logger = logging.getLogger(__name__)
_QUICK_THREADS = 8
_SLOW_THREADS = 32
_MOST_MET = 10_000
_STAND_EVERY_S = 10.0
_ENDS = frozenset(
    str(status) for kind in (RunStatus, VersionStatus) for status in kind if status.is_final
)


class Context:
    """One server's state.

    Parameters
    ----------
    config
        The settings.
    identities
        Who its users are.
    on_change
        Called with each change of the installation, on the server's own loop.
    on_busy
        Called now and then while runs or builds wait or are under way, on that loop.
    """

    def __init__(
        self,
        config: TooInstance,
        identities: Identities,
        *,
        on_change: Callable[[Any], None],
        on_busy: Callable[[], None],
    ) -> None:
        self.config = config
        self.identities = identities
        self.opening = Opening(config)
        self.writes = Rate(config.writes_per_minute)
        self.guesses = Rate(config.writes_per_minute)
        self.seats = Seats(config.streams_per_user)
        self.metrics = Metrics()
        self._on_change = on_change
        self._on_busy = on_busy
        self._quick = ThreadPoolExecutor(_QUICK_THREADS, thread_name_prefix="tooinstance-quick")
        self._slow = ThreadPoolExecutor(_SLOW_THREADS, thread_name_prefix="tooinstance-slow")
        self._met: set[Principal] = set()
        self._parts: asyncio.Future[tuple[Spool, Feed, Watches]] | None = None

    async def in_thread(self, work: Callable[..., T], *args: Any, is_slow: bool = False) -> T:
        """Return what blocking work comes to."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._slow if is_slow else self._quick, work, *args)

    def begin_in_thread(self, work: Callable[..., object], *args: Any) -> None:
        """Begin blocking work that nobody waits for."""
        with suppress(RuntimeError):  # the server is stopping
            self._quick.submit(work, *args)

    async def spool(self) -> Spool:
        """Return where uploads are put."""
        return (await self._opened())[0]

    async def feed(self) -> Feed:
        """Return what tells of changes."""
        return (await self._opened())[1]

    async def watches(self) -> Watches:
        """Return what is followed."""
        return (await self._opened())[2]

    async def begin(self) -> None:
        """Open the installation and follow its changes; for a server that has begun to serve."""
        with suppress(TooInstanceError):  # it is told to whoever asks
            await self._opened()

    def meet(self, installation: Installation, principal: Principal, user: object) -> None:
        """Have a principal noted as somebody whom others can name."""
        if principal in self._met:
            return
        if len(self._met) >= _MOST_MET:
            self._met.clear()
        self._met.add(principal)
        shown = seen(principal, None if self.identities.is_personal else user)
        self.begin_in_thread(_meet, installation, shown)

    def count(self, change: Change) -> None:
        """Count a change, where it is an end of what belongs to this home."""
        if change.action in _ENDS:
            self.begin_in_thread(self._count, change)

    def _count(self, change: Change) -> None:
        installation = self.opening.begin().result()
        store = installation.store
        with suppress(TooInstanceError):
            record: Run | Version | None
            if change.kind is ChangeKind.RUN:
                record = store.get_run(int(change.subject))
            else:
                record = store.get_version(change.subject)
            if record is not None and record.home in ("", installation.home):
                self.metrics.ended(record)

    async def _note_how_it_stands(self) -> None:
        installation = await self.opening.installation()
        while True:
            told = await self.in_thread(installation.health, is_slow=True)
            health = Health.of(told)
            self.metrics.stand(health)
            if health.queued or health.running or health.waiting_builds or health.building:
                self._on_busy()
            await asyncio.sleep(_STAND_EVERY_S)

    async def close(self) -> None:
        """End all that is followed, then the installation."""
        if self._parts is not None and self._parts.done() and not self._parts.exception():
            spool, feed, watches = self._parts.result()
            watches.close()
            self._noting.cancel()
            await feed.close()
            await asyncio.to_thread(spool.close)
        self._quick.shutdown(wait=False, cancel_futures=True)
        self._slow.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self.opening.close)

    async def _opened(self) -> tuple[Spool, Feed, Watches]:
        if self._parts is None or (self._parts.done() and self._parts.exception()):
            self._parts = asyncio.ensure_future(self._open())
        return await asyncio.shield(self._parts)

    async def _open(self) -> tuple[Spool, Feed, Watches]:
        installation = await self.opening.installation()
        from .feed import Feed
        from .uploads import Spool
        from .watches import Watches

        spool = await self.in_thread(Spool, installation.config.home_path / "uploads")
        feed = Feed(installation.changes, self.in_thread)
        watches = Watches(installation, feed, self.in_thread)
        feed.on_change(self._on_change)
        await feed.begin()
        self._noting = asyncio.create_task(self._note_how_it_stands())
        return spool, feed, watches


def _meet(installation: Installation, user: Any) -> None:
    try:
        installation.sharing.meet(user)
    except TooInstanceError as error:
        _logger.info("user cannot be noted user=%s reason=%s", user.name, error)
