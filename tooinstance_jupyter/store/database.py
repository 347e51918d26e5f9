"""One database: opened, brought up to date, and its errors put into words.

What stands in it is left to ``schema`` and ``repository``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ..errors import BusyError, DatabaseNewerError, StorageError

HEAD = "0001"
"""The newest migration; a database that has it is opened without importing Alembic."""

_BUSY_MS = 5_000
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A connection pool with transactions for reading and for writing."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._path = self._url.database or url
        is_file = self._url.get_backend_name() == "sqlite" and self._url.database is not None
        if is_file:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # what SQLite puts beside it later has the same permissions
            Path(self._path).touch(mode=0o600)
        self._engine = create_engine(self._url)
        if self._url.get_backend_name() == "sqlite":
            _set_up_sqlite(self._engine)
        lock = FileLock(f"{self._path}.lock") if is_file else nullcontext()
        try:
            if self._revision() != HEAD:
                with lock:
                    self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection that writes all or nothing, and waits for others who write."""
        with (
            self._translated(),
            self._engine.connect().execution_options(is_writing=True) as connection,
            connection.begin(),
        ):
            yield connection

    def _revision(self) -> str | None:
        with self.reading() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found

    def _migrate(self) -> None:
        """Bring the database to the newest schema; whoever waited for another finds it done."""
        revision = self._revision()
        if revision == HEAD:
            return
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        if revision is not None:
            try:
                ScriptDirectory.from_config(config).get_revision(revision)
            except CommandError as error:
                raise DatabaseNewerError(
                    f"{self._path} was written by a newer release (schema {revision}).",
                    "Upgrade tooinstance-jupyter, or set TOOINSTANCE_HOME to another folder.",
                ) from error
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise self._in_words(error) from error

    def _in_words(self, error: DBAPIError) -> StorageError:
        reason = str(error.orig)
        if "locked" in reason or "busy" in reason:
            return BusyError(
                f"{self._path} has been locked for {_BUSY_MS // 1000} s by something else.",
                "Try again; another program may be writing much, or hang.",
            )
        if "full" in reason or "disk I/O" in reason:
            return StorageError(
                f"{self._path} cannot be written: the disk is full.",
                "Free some space, for instance with `%tooi gc`.",
                code="disk_full",
            )
        if "not a database" in reason or "malformed" in reason:
            return StorageError(
                f"{self._path} is no database, or is damaged.",
                "It is left as it is. Set it aside, or set TOOINSTANCE_HOME to another folder.",
                code="database_damaged",
            )
        return StorageError(f"{self._path}: {reason}.", "Is the folder writable?")


def _set_up_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, not where the driver guesses
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a transaction that reads first and writes later could not wait for another writer
        is_writing = connection.get_execution_options().get("is_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
