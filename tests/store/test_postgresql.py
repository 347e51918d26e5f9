"""What only a database of a server can do: go away, and be written by several at once."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from tests.postgresql import PASSWORD, PostgreSQL, database_of
from tooinstance_jupyter.errors import (
    BusyError,
    ConflictError,
    DatabaseNewerError,
    DatabaseUnavailableError,
    InvalidValueError,
    NameTakenError,
    StorageError,
)
from tooinstance_jupyter.records import (
    Principal,
    Run,
    Source,
    SourceKind,
    Tool,
    User,
    Version,
)
from tooinstance_jupyter.store import postgresql
from tooinstance_jupyter.store.repository import Store

ADA = Principal(name="ada")
SOURCE = Source(kind=SourceKind.GIT, location="https://e.example/t")


pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


def make_tool(name: str = "t") -> Tool:
    return Tool(owner="ada", name=name, source=SOURCE)


def make_run(**fields: object) -> Run:
    given = {"tool_id": None, "tool_name": "ada/t", "version_id": None, "version_number": 1}
    return Run(owner="ada", environment_id=None, **{**given, **fields})  # type: ignore[arg-type]


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""))


def test_a_restart_of_the_server_is_survived(store: Store, postgres: PostgreSQL) -> None:
    run = store.add_run(make_run())
    assert store.get_run(run.number) == run
    postgres.restart()
    assert store.get_run(run.number) == run
    postgres.restart()
    assert store.add_run(make_run()).number > run.number


def test_a_server_that_is_gone_is_said_and_is_back_later(
    store: Store, postgres: PostgreSQL, url: str
) -> None:
    run = store.add_run(make_run())
    postgres.stop()
    try:
        for attempt in (
            lambda: store.get_run(run.number),
            lambda: store.add_run(make_run()),
            lambda: Store(url),
        ):
            with pytest.raises(DatabaseUnavailableError, match=database_of(url)) as caught:
                attempt()
            assert caught.value.error_code == "database_unavailable"
            assert caught.value.status == 503
    finally:
        postgres.start()
    assert store.get_run(run.number) == run


def test_a_transaction_that_the_server_ends_leaves_nothing(
    store: Store, postgres: PostgreSQL
) -> None:
    def forget() -> None:
        with store._database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM alembic_version")
            postgres.restart()

    with pytest.raises(DatabaseUnavailableError):
        forget()
    with store._database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar() == 1


def test_changes_show_in_the_order_of_their_ids(store: Store) -> None:
    """Whoever reads on from the last change that it saw would miss one that shows up later."""
    with ThreadPoolExecutor() as threads:
        with store._database.writing() as first:
            first.exec_driver_sql(
                "INSERT INTO changes (at, kind, subject, action, owner, seen_by) "
                "VALUES (now(), 'tool', 'first', 'created', 'ada', '[]')"
            )
            second = threads.submit(store.add_tool, make_tool())
            with pytest.raises(TimeoutError):
                second.result(0.3)
            assert store.changes_after(0) == []
        second.result(10)
    assert [change.subject == "first" for change in store.changes_after(0)] == [True, False]


def test_who_waits_too_long_for_another_is_told_while_readers_go_on(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_tool(make_tool())
    monkeypatch.setattr(postgresql, "_LOCK_S", 1)
    hurried = Store(url)
    with connect(url) as other:
        other.execute("LOCK TABLE changes IN EXCLUSIVE MODE")
        with pytest.raises(BusyError) as caught:
            hurried.add_tool(make_tool("u"))
        assert caught.value.status == 503
        assert hurried.find_tool("ada", "t") is not None
        assert hurried.last_change() == 1
    hurried.add_tool(make_tool("u"))
    hurried.close()


def test_more_readers_than_there_are_connections_are_told_to_come_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_LOCK_S", 1)
    store = Store(url)
    with ExitStack() as held:
        for _ in range(15):
            held.enter_context(store._database.reading())
        with pytest.raises(BusyError, match="too many at once"):
            store.get_run(1)
    assert store.get_run(1) is None
    store.close()


def test_a_statement_and_an_idle_transaction_end_some_time(store: Store) -> None:
    with store._database.reading() as connection:
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() in ("5s", "30s"), name


def test_of_many_who_want_a_name_one_gets_it(store: Store) -> None:
    barrier = threading.Barrier(8)

    def add(_: int) -> bool:
        barrier.wait()
        try:
            store.add_tool(make_tool())
        except NameTakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(add, range(8))) == 1


def test_versions_that_are_added_at_once_have_numbers_of_their_own(store: Store) -> None:
    tool = make_tool()
    store.add_tool(tool)
    barrier = threading.Barrier(8)

    def add(_: int) -> int:
        barrier.wait()
        version = Version(tool_id=tool.id, number=0, source=SOURCE, engine="x")
        return store.add_version(version).number

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(add, range(8))) == list(range(1, 9))


def test_a_user_who_is_seen_by_many_at_once_is_known_once(store: Store) -> None:
    barrier = threading.Barrier(8)

    def see(_: int) -> None:
        barrier.wait()
        store.put_user(User(name="ada"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(see, range(8)))
    assert [user.name for user in store.find_users("a", 10)] == ["ada"]


@pytest.mark.parametrize("label", ["a\0b", "\udcff"])
def test_a_text_that_cannot_be_kept_is_refused(store: Store, label: str) -> None:
    with pytest.raises(InvalidValueError, match="cannot be stored"):
        store.add_run(make_run(label=label))
    with pytest.raises(InvalidValueError, match="cannot be stored"):
        store.add_run(make_run(tool_name="x" * 1_000))


def test_arguments_are_kept_whatever_they_hold(store: Store) -> None:
    run = store.add_run(make_run(arguments=("\0", "\udcff", "\ud800x", "😀", "\\u0000")))
    assert store.get_run(run.number) == run


def test_a_database_of_another_program_is_refused_and_untouched(url: str) -> None:
    with connect(url) as connection:
        connection.execute("CREATE TABLE theirs ()")
    with pytest.raises(StorageError) as caught:
        Store(url)
    assert caught.value.error_code == "database_foreign"
    with connect(url) as connection:
        connection.execute("CREATE TABLE alembic_version AS SELECT '9999' AS version_num")
    with pytest.raises(DatabaseNewerError, match="9999"):
        Store(url)
    with connect(url) as connection:
        found = connection.execute("SELECT relname FROM pg_stat_user_tables").fetchall()
    assert {name for (name,) in found} == {"alembic_version", "theirs"}


def test_a_server_that_does_not_let_us_compare_names_is_used_all_the_same(
    url: str, postgres: PostgreSQL
) -> None:
    postgres.execute(f"ALTER DATABASE {database_of(url)} OWNER TO postgres")
    postgres.execute("GRANT CREATE ON SCHEMA public TO ada", database=database_of(url))
    store = Store(url)
    store.add_tool(make_tool("sherlock"))
    for words in ("sherl", "sherlok"):
        assert [tool.name for tool in store.list_tools(principal=ADA, text=words).items] == [
            "sherlock"
        ]
    store.close()


def test_the_password_is_told_nowhere(
    store: Store, postgres: PostgreSQL, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = url.replace(database_of(url), "no_such_database")
    told = [repr(vars(store)), repr(vars(store._database)), str(vars(store._database._kind))]
    for bad in (wrong, url.replace(PASSWORD, f"{PASSWORD}-but-wrong"), "127.0.0.1:1"):
        if "@" not in bad:
            bad = f"postgresql+psycopg://ada:{PASSWORD}@{bad}/tools"
        with pytest.raises(DatabaseUnavailableError) as caught:
            Store(bad)
        told += ["".join(traceback.format_exception(caught.value)), repr(caught.value)]
    with pytest.raises(ConflictError) as conflict, store._database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO run_access VALUES (1, 'x')")
    told += ["".join(traceback.format_exception(conflict.value)), caplog.text]
    assert PASSWORD not in "\n".join(told)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_driver_need_not_be_named(url: str, scheme: str) -> None:
    Store(url.replace("postgresql+psycopg", scheme)).close()


def test_a_driver_that_is_not_installed_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"pip install 'tooinstance-jupyter\[postgres\]'"):
        Store(url)


def test_all_who_open_a_fresh_database_at_once_can_use_it(url: str) -> None:
    barrier = threading.Barrier(4)

    def add(_: int) -> int:
        barrier.wait()
        store = Store(url)
        number = store.add_run(make_run()).number
        store.close()
        return number

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(add, range(4))) == [1, 2, 3, 4]
