"""The line of a server: begins the runs and builds that wait, as fair shares allow.

It keeps no line of its own: the store does, so that nothing is lost with this process, and several
servers of one home take from the same one. How a run or a build is begun is left to ``runs`` and
``builds``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple

from ..config import TooInstance
from ..errors import TooInstanceError, TooManyError
from ..records import RunStatus
from ..store.repository import Store
from .shares import Shares, next_in_line

_logger = logging.getLogger(__name__)
_LOOK_EVERY_S = 1.0
_LONGEST_PAUSE_S = 3.0


class Line(NamedTuple):
    """What waits for its turn (ids and owners, oldest first), and how much of each owner's is what.

    ``queued`` counts all that wait, also those that can have no turn now.
    """

    waiting: list[tuple[str, str]]
    queued: Counter[str]
    under_way: Counter[str]

    def join(self, what: str, owner: str, *, shares: Shares, most: int) -> str:
        """Return what one more of an owner's waits for, in words; nothing if it may begin at once.

        Parameters
        ----------
        what
            ``"runs"`` or ``"builds"``.
        most
            How many of an owner's may wait.

        Raises
        ------
        TooManyError
            If nothing more of the owner's may wait.
        """
        if "" in next_in_line([*self.waiting, ("", owner)], self.under_way, shares):
            return ""
        own = self.queued[owner]
        if own >= most:
            raise TooManyError(
                f"{own} {what} of yours wait already, which is all that may.",
                "Try again once some of them have begun.",
            )
        if own:
            return f"Waiting: {_counted(own, what, ' of yours')} before it"
        if self.under_way[owner]:
            return f"Waiting: {_counted(self.under_way[owner], what, ' of yours')} under way"
        return f"Waiting: {_counted(self.under_way.total(), what)} under way"


def _counted(count: int, what: str, whose: str = "") -> str:
    return f"1 {what[:-1]}{whose} is" if count == 1 else f"{count} {what}{whose} are"


class RunLine:
    """The runs of a home that wait or are under way.

    Parameters
    ----------
    home
        The id of the home.
    """

    def __init__(self, config: TooInstance, store: Store, home: str) -> None:
        self._config = config
        self._store = store
        self._home = home
        self.away: dict[str, str] = {}
        """The engines that do not answer, whose runs have no turn, with what they say."""
        self.turn = asyncio.Lock()
        """Held by whoever decides what begins and records that."""

    @property
    def shares(self) -> Shares:
        """What may be under way at once."""
        return Shares(self._config.concurrent_runs, self._config.concurrent_runs_per_user)

    def read(self) -> Line:
        """Return the line as it is now."""
        line = Line([], Counter(), Counter())
        for run_id, owner, status, engine in self._store.runs_in_line(self._home):
            if status is not RunStatus.QUEUED:
                line.under_way[owner] += 1
                continue
            line.queued[owner] += 1
            if engine not in self.away:
                line.waiting.append((run_id, owner))
        return line

    def join(self, owner: str) -> str:
        """Return what a new run of an owner's waits for; nothing if it may begin at once."""
        most = self._config.waiting_runs_per_user
        return self.read().join("runs", owner, shares=self.shares, most=most)

    def next(self, *, but: Collection[str]) -> list[str]:
        """Return the ids of the runs that may begin now, but for some."""
        line = self.read()
        waiting = [(run_id, owner) for run_id, owner in line.waiting if run_id not in but]
        return next_in_line(waiting, line.under_way, self.shares) if waiting else []


class Queue:
    """Goes through the lines whenever something may have changed, and every second.

    Parameters
    ----------
    begin
        Each begins what may begin now; called in turn, on the loop of the engines.
    """

    def __init__(self, *begin: Callable[[], Awaitable[None]]) -> None:
        self._begin = begin
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Have the lines gone through soon; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._changed.set)

    async def serve(self) -> None:
        """Go through the lines until cancelled."""
        self._loop = asyncio.get_running_loop()
        pause_s = _LOOK_EVERY_S
        while True:
            self._changed.clear()
            try:
                for begin in self._begin:
                    await begin()
                pause_s = _LOOK_EVERY_S
            except TooInstanceError as error:
                _logger.warning("the line cannot be gone through now reason=%s", error)
                pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
            except Exception:  # whatever it is, what waits must not wait for ever
                _logger.exception("the line cannot be gone through now")
                pause_s = _LONGEST_PAUSE_S
            try:
                await asyncio.wait_for(self._changed.wait(), pause_s)
            except TimeoutError:
                continue
