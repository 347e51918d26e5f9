"""The database: its migrations, and what happens when something is wrong with it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from tooinstance_jupyter.errors import BusyError, DatabaseNewerError, StorageError
from tooinstance_jupyter.store import database, sqlite
from tooinstance_jupyter.store.repository import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a SQLite database; what is said of PostgreSQL is beside it."""
    return f"sqlite:///{tmp_path / 'home' / 'tooinstance.sqlite'}"


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def test_the_head_is_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(database.__file__).parent / "migrations"))
    assert scripts.get_current_head() == database.HEAD


def test_a_database_that_is_up_to_date_is_opened_without_alembic_and_other_drivers(
    store: Store, url: str
) -> None:
    code = f"""
        import sys
        from tooinstance_jupyter.store.repository import Store
        Store({url!r}).close()
        for module in ("alembic", "psycopg", "sqlalchemy.dialects.postgresql"):
            assert module not in sys.modules, module
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_a_database_of_a_newer_release_is_refused_and_untouched(url: str) -> None:
    Store(url).close()
    connection = sqlite3.connect(path_of(url), isolation_level=None)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = list(connection.iterdump())

    with pytest.raises(DatabaseNewerError, match="9999"):
        Store(url)

    assert list(connection.iterdump()) == before
    connection.close()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough " * 50, b"SQLite"])
def test_a_file_that_is_no_database_is_refused_and_untouched(url: str, content: bytes) -> None:
    path_of(url).parent.mkdir(parents=True)
    path_of(url).write_bytes(content)

    with pytest.raises(StorageError) as caught:
        Store(url)

    assert caught.value.error_code == "database_damaged"
    assert path_of(url).read_bytes() == content


def test_a_lock_that_is_held_too_long_is_an_error_that_loses_nothing(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 100)
    hurried = Store(url)
    other = sqlite3.connect(path_of(url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(BusyError):
            hurried.delete_run(1)
        assert hurried.get_run(1) is None  # readers go on
    finally:
        other.rollback()
        other.close()
    hurried.delete_run(1)
    hurried.close()


def test_a_full_disk_is_said_and_what_is_stored_stays_readable(store: Store, url: str) -> None:
    """RLIMIT_FSIZE stands for the full disk: the database cannot grow."""
    code = f"""
        import resource, signal, sys
        from tooinstance_jupyter.errors import StorageError
        from tooinstance_jupyter.records import Run
        from tooinstance_jupyter.store.repository import Store
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = Store({url!r})
        def run(label):
            return Run(owner="ada", tool_id=None, tool_name="ada/t", version_id=None,
                       version_number=1, environment_id=None, label=label)
        first = store.add_run(run("first"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        try:
            store.add_run(run("x" * 2_000_000))
        except StorageError as error:
            assert error.error_code == "disk_full", error
        else:
            sys.exit("the disk was not full")
        assert store.get_run(first.number).label == "first"
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ada:hush-hush@h/d",
        "hush-hush",
        "postgresql://ada:hush-hush@h:port/d",
        "postgresql+another://ada:hush-hush@h/d",
        "",
    ],
)
def test_a_setting_that_is_no_url_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(StorageError, match="`database_url`") as caught:
        Store(url)
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(caught.value)


def test_the_folder_of_the_database_is_closed_to_others(store: Store, url: str) -> None:
    assert path_of(url).parent.stat().st_mode & 0o077 == 0
