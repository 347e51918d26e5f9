"""That a process is there: locks that end with it, by which others tell the living from the dead.

What becomes of what a dead one left is left to ``queue`` and ``recovery``.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from ..records import new_id


class Presence:
    """What this process holds locked in a home as long as it lives.

    Parameters
    ----------
    home
        The installation's folder.
    serves
        Whether the process is a server, which others can ask about by its `token`.
    """

    def __init__(self, home: Path, *, serves: bool) -> None:
        self._servers = home / "servers"
        self._creating = home / "creating"
        self.token = new_id() if serves else ""
        self._lock: TextIOWrapper | None = None
        if serves:
            self._servers.mkdir(exist_ok=True, mode=0o700)
            self._lock = (self._servers / self.token).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def is_alive(self, token: str) -> bool:
        """Tell whether the server of a token lives."""
        try:
            with (self._servers / token).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def is_elsewhere(self, token: str) -> bool:
        """Tell whether a token is that of another server, which lives."""
        return token not in ("", self.token) and self.is_alive(token)

    def creating(self) -> TextIOWrapper:
        """Return a lock to hold while a run has a directory but no record; blocks."""
        lock = self._creating.open("a")
        fcntl.flock(lock, fcntl.LOCK_SH)
        return lock

    @contextlib.contextmanager
    def nothing_is_created(self) -> Iterator[bool]:
        """Keep runs from being created for a moment; gives whether that could be had."""
        with self._creating.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def forget_dead(self) -> None:
        """Remove what servers that were killed left of themselves."""
        for path in self._servers.iterdir():
            if not self.is_alive(path.name):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Be there no more."""
        if self._lock is not None:
            (self._servers / self.token).unlink(missing_ok=True)
            self._lock.close()
