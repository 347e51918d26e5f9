"""One database: opened, brought up to date, and its errors put into words.

What stands in it is left to ``schema`` and ``repository``; in what kinds of database differ, to
``sqlite`` and ``postgresql``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, make_url, text
from sqlalchemy import exc as failures

from ..errors import (
    BusyError,
    ConflictError,
    DatabaseNewerError,
    InvalidValueError,
    StorageError,
)
from .postgresql import Postgresql, PostgresqlCommits
from .sqlite import Sqlite, SqliteCommits

HEAD = "0005"
"""The newest migration; a database that has it is opened without importing Alembic."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A connection pool with transactions for reading and for writing."""

    def __init__(self, url: str) -> None:
        self._kind = _kind(url)
        self._told: dict[object, Callable[[], None]] = {}
        try:
            self._kind.make()
            if self._revision() != HEAD:
                with self._translated(), self._kind.migrating():
                    self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._kind.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self._translated(), self._kind.reading.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection that writes all or nothing, and waits for others who write."""
        with (
            self._translated(),
            self._kind.engine.connect().execution_options(is_writing=True) as connection,
            connection.begin(),
        ):
            yield connection
        for told in tuple(self._told.values()):
            told()

    def commits(self) -> Commits:
        """Return what tells of commits, whichever process makes them."""
        if isinstance(self._kind, Sqlite):
            source: SqliteCommits | PostgresqlCommits = SqliteCommits(self._kind, self._on_commit)
        else:
            source = PostgresqlCommits(self._kind)
        return Commits(source, self._translated)

    def _on_commit(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after each commit made here; returns what ends that."""
        me = object()
        self._told[me] = told

        def stop() -> None:
            self._told.pop(me, None)

        return stop

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
        if revision is None:
            self._claim()
        else:
            try:
                ScriptDirectory.from_config(config).get_revision(revision)
            except CommandError as error:
                raise DatabaseNewerError(
                    f"{self._kind.name} was written by a newer release (schema {revision}).",
                    "Upgrade tooinstance-jupyter, or set TOOINSTANCE_HOME to another folder.",
                ) from error
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _claim(self) -> None:
        """Refuse what another program made."""
        with self._translated(), self._kind.engine.connect() as connection:
            if inspect(connection).get_table_names():
                raise StorageError(
                    f"{self._kind.name} is the database of another program.",
                    "It is left as it is. Set `database_url` to another one.",
                    code="database_foreign",
                )
            connection.rollback()
            self._kind.claim(connection)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except failures.IntegrityError as error:
            raise ConflictError(f"It does not fit what is stored: {error.orig}.") from error
        except failures.DBAPIError as error:
            if isinstance(error, failures.DataError):
                raise _unstorable() from error
            raise self._kind.in_words(error) from error
        except (failures.StatementError, UnicodeEncodeError, OverflowError) as error:
            raise _unstorable() from error
        except failures.TimeoutError as error:
            raise BusyError(
                f"{self._kind.name} is used by too many at once.", "Try again soon."
            ) from error


def _unstorable() -> InvalidValueError:
    return InvalidValueError(
        "A value cannot be stored: it is a number that is too large, or a text that is too long "
        "or no Unicode."
    )


class Commits:
    """What tells of commits of all processes; one thread uses it, but for `wake`."""

    def __init__(
        self,
        source: SqliteCommits | PostgresqlCommits,
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._source = source
        self._translated = translated
        self.wake = source.wake
        self.close = source.close

    def wait(self) -> None:
        """Return after a commit, or for no reason; the first time, and after an error, at once."""
        with self._translated():
            self._source.wait()


def _kind(url: str) -> Sqlite | Postgresql:
    """Return the kind of a database; what is wrong with its URL is told without the URL."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return Sqlite(parsed)
        if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
            return Postgresql(parsed.set(drivername="postgresql+psycopg"))
    except ImportError as error:
        raise StorageError(
            f"The driver of the database is not installed: {error.name}.",
            "pip install 'tooinstance-jupyter[postgres]'",
        ) from error
    except (failures.ArgumentError, ValueError):
        pass
    raise StorageError(
        "The setting `database_url` is no URL of a SQLite or PostgreSQL database.",
        "Such as sqlite:////srv/tools.sqlite or postgresql+psycopg://NAME:PASSWORD@HOST/DATABASE, "
        "where special characters of a password are percent-encoded.",
    )
