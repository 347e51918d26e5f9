"""One database: opened, brought up to date, and its errors put into words.

What stands in it is left to ``schema`` and ``repository``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, StatementError

from ..errors import (
    BusyError,
    ConflictError,
    DatabaseNewerError,
    InvalidValueError,
    StorageError,
)

HEAD = "0003"
"""The newest migration; a database that has it is opened without importing Alembic."""

_BUSY_MS = 5_000
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A connection pool with transactions for reading and for writing."""

    def __init__(self, url: str) -> None:
        try:
            self._url = make_url(url)
            self._engine = create_engine(self._url)
        except (ArgumentError, ImportError) as error:
            raise StorageError(
                f"The setting `database_url` cannot be used: {error}.",
                "Correct it, or install the driver that it names.",
            ) from error
        self._path = self._url.database or url
        self._is_sqlite = self._url.get_backend_name() == "sqlite"
        if self._is_sqlite:
            _set_up_sqlite(self._engine)
        try:
            self._open()
        except OSError as error:
            self.close()
            raise StorageError(
                f"{self._path} cannot be opened: {error.strerror}.",
                "Set TOOINSTANCE_HOME to a folder that you may write to.",
            ) from error
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

    def _open(self) -> None:
        """Make the file where there is none, and bring what stands in it up to date."""
        lock: AbstractContextManager[object] = nullcontext()
        if self._is_sqlite and self._url.database not in (None, "", ":memory:"):
            path = Path(self._path)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                path.touch(mode=0o600)  # what SQLite puts beside it has the same permissions
            lock = FileLock(f"{path}.lock")
        if self._revision() != HEAD:
            with lock:
                self._migrate()

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
        elif self._is_sqlite:
            self._claim()
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _claim(self) -> None:
        """Turn on WAL, which stays on; those who do it at once fail, so only a migration does."""
        with self._translated(), self._engine.connect() as connection:
            if inspect(connection).get_table_names():
                raise StorageError(
                    f"{self._path} is the database of another program.",
                    "It is left as it is. Set `database_url` to another file.",
                    code="database_foreign",
                )
            connection.rollback()
            raw: Any = connection.connection.dbapi_connection
            raw.execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise ConflictError(f"It does not fit what is stored: {error.orig}.") from error
        except DBAPIError as error:
            raise self._in_words(error) from error
        except (StatementError, UnicodeEncodeError, OverflowError) as error:
            raise InvalidValueError(
                "A value cannot be stored: it is a number that is too large, or a text that is "
                "no Unicode."
            ) from error

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
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a transaction that reads first and writes later could not wait for another writer
        is_writing = connection.get_execution_options().get("is_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
