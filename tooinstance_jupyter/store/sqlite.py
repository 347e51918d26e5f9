"""SQLite: how it is opened, what its errors mean, and how commits of other processes show."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from ..errors import BusyError, StorageError

BUSY_MS = 5_000
_LOOK_EVERY_S = 0.02


class Sqlite:
    """A database in a file, or in memory."""

    def __init__(self, url: URL) -> None:
        self.engine = create_engine(url, hide_parameters=True)
        self.reading = self.engine
        self.name = url.database or "The database in memory"
        self._path = None if url.database in (None, "", ":memory:") else Path(self.name)
        _set_up(self.engine)

    def make(self) -> None:
        """Make the file where there is none."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._path.exists():
                self._path.touch(mode=0o600)  # what SQLite puts beside it has the same permissions
        except OSError as error:
            raise StorageError(
                f"{self.name} cannot be opened: {error.strerror}.",
                "Set TOOINSTANCE_HOME to a folder that you may write to.",
            ) from error

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Keep other processes from migrating meanwhile."""
        if self._path is None:
            yield
            return
        with FileLock(f"{self._path}.lock"):
            yield

    def claim(self, connection: Connection) -> None:
        """Turn on WAL, which stays on; those who do it at once fail, so only a migration does."""
        raw: Any = connection.connection.dbapi_connection
        raw.execute("PRAGMA journal_mode = WAL")

    def in_words(self, error: DBAPIError) -> StorageError:
        """Return what a person is told."""
        reason = str(error.orig)
        if "locked" in reason or "busy" in reason:
            return BusyError(
                f"{self.name} has been locked for {BUSY_MS // 1000} s by something else.",
                "Try again; another program may be writing much, or hang.",
            )
        if "full" in reason or "disk I/O" in reason:
            return StorageError(
                f"{self.name} cannot be written: the disk is full.",
                "Free some space, for instance with `%tooi gc`.",
                code="disk_full",
            )
        if "not a database" in reason or "malformed" in reason:
            return StorageError(
                f"{self.name} is no database, or is damaged.",
                "It is left as it is. Set it aside, or set TOOINSTANCE_HOME to another folder.",
                code="database_damaged",
            )
        return StorageError(f"{self.name}: {reason}.", "Is the folder writable?")


class SqliteCommits:
    """Asks SQLite again and again: it counts what others commit, for each connection.

    One thread uses it, but for `wake`.
    """

    def __init__(
        self, database: Sqlite, on_commit: Callable[[Callable[[], None]], Callable[[], None]]
    ) -> None:
        self._engine = database.engine
        self._connection: Connection | None = None
        self._woken = threading.Event()
        self._version = 0
        self._forget = on_commit(self._woken.set)  # those of this process are heard of at once

    def wait(self) -> None:
        """Return after a commit of any process; the first time at once."""
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.detach()
            self._version = self._ask(self._connection)
            return
        while not self._woken.wait(_LOOK_EVERY_S):
            version = self._ask(self._connection)
            if version != self._version:
                self._version = version
                return
        self._woken.clear()

    def wake(self) -> None:
        """Have `wait` return, on whatever thread."""
        self._woken.set()

    def close(self) -> None:
        """Let go of the connection."""
        self._forget()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _ask(connection: Connection) -> int:
        raw: Any = connection.connection.dbapi_connection
        version: int = raw.execute("PRAGMA data_version").fetchone()[0]
        return version


def _set_up(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, not where the driver guesses
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a transaction that reads first and writes later could not wait for another writer
        is_writing = connection.get_execution_options().get("is_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
