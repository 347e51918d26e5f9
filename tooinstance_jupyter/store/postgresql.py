"""PostgreSQL: how it is reached, what its errors mean, and how commits of other processes show."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DBAPIError

from ..errors import BusyError, DatabaseUnavailableError, StorageError

_LOCK_S = 5  # as SQLite waits for who writes
# a statement or a process that hangs must not hold up all others for ever
_STATEMENT_S = 30
_CONNECT_S = 5
_ASK_EVERY_S = 10.0
# serialization failure, deadlock, lock timeout, cancelled because it took too long
_BUSY = frozenset({"40001", "40P01", "55P03", "57014"})
# connection lost, too few resources, shutting down or starting, a copy that is only read
_AWAY = ("08", "53", "57", "25")


class Postgresql:
    """A database of a server."""

    def __init__(self, url: URL) -> None:
        # a server that vanished without a word is noticed within seconds
        asked = {"connect_timeout": _CONNECT_S, "keepalives_idle": 10, "tcp_user_timeout": 10_000}
        self.engine = create_engine(
            url,
            connect_args={name: value for name, value in asked.items() if name not in url.query},
            hide_parameters=True,
            pool_pre_ping=True,  # it may restart between two uses of a connection
            pool_size=5,
            max_overflow=10,
            pool_timeout=_LOCK_S,
            pool_use_lifo=True,
        )
        self.reading = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self.name = f"The database {'/'.join(filter(None, (url.host, url.database)))}".strip()

        @event.listens_for(self.engine, "connect")
        def configure(connection: Any, _: object) -> None:
            connection.execute(
                f"SET lock_timeout = '{_LOCK_S}s'; SET statement_timeout = '{_STATEMENT_S}s'; "
                f"SET idle_in_transaction_session_timeout = '{_STATEMENT_S}s'"
            )
            connection.commit()

    def make(self) -> None:
        """Do nothing: an administrator makes it."""

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Keep other processes from migrating meanwhile."""
        options = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with options.connect() as connection:
            connection.detach()  # the lock ends with the connection
            connection.exec_driver_sql("SET lock_timeout = 0; SET statement_timeout = 0")
            connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('tooinstance_schema'))")
            yield

    def claim(self, connection: Connection) -> None:
        """Do nothing: it is ours because it is empty."""

    def in_words(self, error: DBAPIError) -> StorageError:
        """Return what a person is told."""
        state = getattr(error.orig, "sqlstate", None)
        reason = " ".join(str(error.orig).split())
        if state in _BUSY:
            return BusyError(
                f"{self.name} is held by something else: {reason}.",
                "Try again; another program may be writing much, or hang.",
            )
        if state == "53100":
            return StorageError(
                f"{self.name} cannot be written: the disk of its server is full.",
                "Ask an administrator to free some space there.",
                code="disk_full",
            )
        if state is None or state.startswith(_AWAY):
            return DatabaseUnavailableError(
                f"{self.name} does not answer: {reason}.",
                "Try again soon; an administrator can see whether its server runs.",
            )
        return StorageError(
            f"{self.name}: {reason}.", "An administrator can see more in the log of its server."
        )


class PostgresqlCommits:
    """Hears PostgreSQL's notifications, on a connection that is kept for them.

    One thread uses it, but for `wake`.
    """

    def __init__(self, database: Postgresql) -> None:
        self._engine = database.engine
        self._connection: Connection | None = None
        self._inner, self._outer = socket.socketpair()
        self._inner.setblocking(False)
        self._outer.setblocking(False)

    def wait(self) -> None:
        """Return after a commit of any process, or for no reason.

        The first time, and the first time after an error, it returns at once.
        """
        if self._connection is None:
            self._connection = self._listen()
            return
        raw: Any = self._connection.connection.dbapi_connection
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(raw.fileno(), selectors.EVENT_READ)
                selector.register(self._inner, selectors.EVENT_READ)
                # a server that vanishes says nothing, so it is asked now and then
                selector.select(_ASK_EVERY_S)
            with suppress(BlockingIOError):
                self._inner.recv(4096)
            self._connection.exec_driver_sql("SELECT 1")  # takes in what was notified
        except BaseException:
            self._disconnect()
            raise

    def wake(self) -> None:
        """Have `wait` return, on whatever thread."""
        with suppress(OSError):  # wakes enough are on their way, or nobody waits any more
            self._outer.send(b"!")

    def close(self) -> None:
        """Let go of the connection."""
        self._disconnect()
        self._inner.close()
        self._outer.close()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listen(self) -> Connection:
        connection = self._engine.connect()
        try:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
            raw: Any = connection.connection.dbapi_connection
            raw.add_notify_handler(lambda _: None)  # without one, the driver keeps them all
            connection.exec_driver_sql("LISTEN tooinstance_changes")
        except BaseException:
            connection.close()
            raise
        return connection
