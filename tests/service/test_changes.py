"""Changes are heard of in every process, in order, and none is missed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.postgresql import PostgreSQL
from tooinstance_jupyter.records import Change, Principal, Source, SourceKind, Tool, now
from tooinstance_jupyter.service.changes import Changes
from tooinstance_jupyter.store.repository import Store

SOON_S = 30.0
ADA = Principal(name="ada")
SOURCE = Source(kind=SourceKind.GIT, location="https://e.example/t")
ELSEWHERE = """
import sys
from tooinstance_jupyter.records import Source, SourceKind, Tool
from tooinstance_jupyter.store.repository import Store
store = Store(sys.argv[1])
source = Source(kind=SourceKind.GIT, location="https://e.example/t")
store.add_tool(Tool(owner="ada", name="elsewhere", source=source))
store.close()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tooinstance.sqlite'}"
    url: str = request.getfixturevalue("postgres")()
    return url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()


@pytest.fixture
def changes(store: Store) -> Iterator[Changes]:
    changes = Changes(store)
    yield changes
    changes.close()


def add(store: Store, name: str, owner: str = "ada") -> None:
    store.add_tool(Tool(owner=owner, name=name, source=SOURCE))


def test_a_listener_hears_of_this_process_and_of_another(
    store: Store, changes: Changes, url: str
) -> None:
    woken = threading.Event()
    stop = changes.listen(woken.set)
    add(store, "here")
    assert woken.wait(SOON_S)
    assert [change.id for change in changes.after(0) or ()] == [1]
    woken.clear()
    subprocess.run([sys.executable, "-c", ELSEWHERE, url], check=True, timeout=60)
    assert woken.wait(1), "another process has not been heard of within a second"
    assert [change.id for change in changes.after(1) or ()] == [2]
    stop()
    stop()
    woken.clear()
    add(store, "unheard")
    assert not woken.is_set()
    assert changes.last() == 3


def test_whoever_follows_gets_all_it_may_see_in_order_until_the_end(
    store: Store, changes: Changes
) -> None:
    add(store, "before")
    heard: list[int] = []
    done = threading.Event()

    def follow(started: Iterator[Change]) -> None:
        for change in started:
            heard.append(change.id)
            if len(heard) == 20:
                done.set()

    thread = threading.Thread(target=follow, args=(changes.follow(ADA),))
    thread.start()
    for number in range(20):
        add(store, f"mine-{number}")
        add(store, f"hidden-{number}", owner="bob")
    assert done.wait(SOON_S)
    changes.close()
    thread.join(SOON_S)
    assert not thread.is_alive()
    assert heard == list(range(2, 42, 2))


def test_what_was_forgotten_or_never_was_cannot_be_resumed(store: Store, changes: Changes) -> None:
    for number in range(3):
        add(store, f"tool-{number}")
    store.forget_changes(now() + timedelta(days=1))
    assert changes.last() == 3
    assert changes.after(0) is None
    assert changes.after(4) is None
    assert changes.after(3) == []
    assert [change.id for change in changes.after(2) or ()] == [3]


def test_what_is_no_longer_in_memory_is_read_again(
    store: Store, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tooinstance_jupyter.service.changes._MOST_KEPT", 3)
    woken = threading.Event()
    stop = changes.listen(woken.set)
    for number in range(8):
        woken.clear()
        add(store, f"tool-{number}")
        assert woken.wait(SOON_S)
    assert [[change.id for change in changes.after(seen) or ()] for seen in (0, 4, 5, 7, 8)] == [
        [1, 2, 3],
        [5, 6, 7],
        [6, 7, 8],
        [8],
        [],
    ]
    assert changes.after(9) is None
    stop()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_listener_hears_on_after_a_restart_of_the_server(
    store: Store, changes: Changes, postgres: PostgreSQL
) -> None:
    add(store, "before")
    woken = threading.Event()
    changes.listen(woken.set)
    postgres.stop()
    postgres.start()
    add(store, "meanwhile")
    assert woken.wait(SOON_S)
    woken.clear()
    add(store, "after")
    assert woken.wait(SOON_S)
    assert [change.id for change in changes.after(1) or ()] == [2, 3]


def test_many_listeners_do_not_ask_the_database_each(store: Store, changes: Changes) -> None:
    heard = [threading.Event() for _ in range(500)]
    stops = [changes.listen(listener.set) for listener in heard]
    add(store, "tool")
    for listener in heard:
        assert listener.wait(SOON_S)
    asked: list[object] = []

    def count(*told: object) -> None:
        asked.append(told)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        assert all([change.id for change in changes.after(0) or ()] == [1] for _ in heard)
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert len(asked) < 10
    for stop in stops:
        stop()
