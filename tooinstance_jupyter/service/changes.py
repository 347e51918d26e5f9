"""The use case of hearing of changes: whoever listens is told what it may see, in order.

One thread watches the database for all who listen in this process, and only while somebody does.
How a commit shows, whichever process made it, is left to ``store``.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing

from .. import access
from ..errors import TooInstanceError
from ..records import Change, Principal
from ..store.repository import Store

_logger = logging.getLogger(__name__)
_AFTER_AN_ERROR_S = 1.0
_MOST_KEPT = 1_000


class Changes:
    """What changes in an installation.

    Parameters
    ----------
    store
        Where changes are written, by this process and by others.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._listeners: dict[object, Callable[[], None]] = {}
        self._watch: _Watch | None = None
        self._is_closed = False

    def follow(self, principal: Principal, *, after: int | None = None) -> Iterator[Change]:
        """Yield what a principal may see of the changes after one, or from now on; endless.

        Where that one is too old, or unknown, all that is kept is yielded.
        """
        return self._follow(principal, self.last() if after is None else after)

    def after(self, change_id: int) -> list[Change] | None:
        """Return the changes after one, oldest first, at most 1,000.

        Returns
        -------
        list of Change or None
            ``None`` if that one is older than what is kept, or unknown: what was missed cannot be
            told.
        """
        watch = self._watch
        found = None if watch is None else watch.after(change_id)
        if found is not None:
            return found
        found = self._store.changes_after(change_id, _MOST_KEPT)
        # asked for afterwards: what is forgotten meanwhile is noticed
        is_too_old = change_id < self._store.first_change() - 1
        is_unknown = not found and change_id > self._store.last_change()
        return None if is_too_old or is_unknown else found

    def last(self) -> int:
        """Return the id of the last change, 0 if there is none."""
        return self._store.last_change()

    def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call a function, on some thread, whenever there is something new.

        Returns
        -------
        callable
            Ends that; a second call does nothing.
        """
        me = object()
        with self._lock:
            if not self._is_closed:
                self._listeners[me] = wake
                if self._watch is None:
                    try:
                        self._watch = _Watch(self._store, self._wake)
                    except BaseException:
                        del self._listeners[me]
                        raise

        def stop() -> None:
            ended = None
            with self._lock:
                if self._listeners.pop(me, None) is not None and not self._listeners:
                    ended, self._watch = self._watch, None
            if ended is not None:
                ended.close()

        return stop

    def close(self) -> None:
        """Watch no more; whoever follows comes to an end."""
        with self._lock:
            self._is_closed = True
            ended, self._watch = self._watch, None
        if ended is not None:
            ended.close()
        self._wake()
        self._listeners.clear()

    def _wake(self) -> None:
        for wake in tuple(self._listeners.values()):
            wake()

    def _follow(self, principal: Principal, seen: int) -> Iterator[Change]:
        woken = threading.Event()
        stop = self.listen(woken.set)
        try:
            while True:
                woken.clear()
                if self._is_closed:
                    return
                found = self.after(seen)
                if found is None:
                    seen = max(0, self._store.first_change() - 1)
                    continue
                for change in found:
                    seen = change.id
                    if access.may_see_change(principal, change):
                        yield change
                if not found:
                    woken.wait()
        finally:
            stop()


class _Watch:
    """A thread that reads each change once, and keeps the last ones."""

    def __init__(self, store: Store, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake
        self._lock = threading.Lock()
        self._kept: deque[Change] = deque(maxlen=_MOST_KEPT)
        self._last = store.last_change()
        self._before = self._last  # what is kept begins after this one
        self._closing = threading.Event()
        self._commits = store.commits()
        self._thread = threading.Thread(target=self._run, name="tooinstance-changes", daemon=True)
        self._thread.start()

    def after(self, change_id: int) -> list[Change] | None:
        """Return the changes after one, or ``None`` where they are not all in memory."""
        with self._lock:
            if not self._before <= change_id <= self._last:
                return None
            return [change for change in self._kept if change.id > change_id]

    def close(self) -> None:
        """End the thread, and wait for that, but in a function that it calls."""
        self._closing.set()
        self._commits.wake()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        with closing(self._commits):
            while not self._closing.is_set():
                try:
                    self._commits.wait()
                    self._read_on()
                except TooInstanceError as error:
                    _logger.warning("changes cannot be read now reason=%s", error)
                    self._closing.wait(_AFTER_AN_ERROR_S)

    def _read_on(self) -> None:
        while found := self._store.changes_after(self._last, _MOST_KEPT):
            with self._lock:
                for change in found:
                    if len(self._kept) == _MOST_KEPT:
                        self._before = self._kept[0].id
                    self._kept.append(change)
                self._last = found[-1].id
            self._wake()
