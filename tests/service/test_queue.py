"""What the line of a server promises: fair shares, limits, and patience with what is away."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.engines.process import ProcessEngine
from tooinstance_jupyter.errors import ConflictError, EngineError, StorageError, TooManyError
from tooinstance_jupyter.records import Principal, Run, RunStatus, Version, VersionStatus
from tooinstance_jupyter.requests import NewRun, NewTool, RunFilter, ToolChanges
from tooinstance_jupyter.service.installation import Installation
from tooinstance_jupyter.service.shares import Shares, next_in_line

Serve = Callable[[], Installation]
Finish = Callable[[LocalClient, Version], Version]

owners = st.sampled_from(["ada", "bob", "eve", "mallory"])
lines = st.lists(owners, max_size=60).map(
    lambda names: [(str(place), name) for place, name in enumerate(names)]
)
limits = st.builds(Shares, st.integers(0, 8), st.integers(0, 4))


@given(lines, st.dictionaries(owners, st.integers(0, 6)), limits)
def test_no_limit_is_ever_exceeded_and_no_room_is_left_unused(
    waiting: list[tuple[str, str]], under_way: dict[str, int], shares: Shares
) -> None:
    chosen = next_in_line(waiting, under_way, shares)
    owner_of = dict(waiting)
    counts = Counter(under_way)
    for key in chosen:
        assert shares.has_room(counts, owner_of[key])
        assert counts[owner_of[key]] == min(
            counts[owner]
            for k, owner in waiting
            if k not in chosen[: chosen.index(key)]
            if shares.has_room(counts, owner)
        ), "somebody with fewer under way was passed over"
        counts[owner_of[key]] += 1
    assert len(set(chosen)) == len(chosen)
    for key, owner in waiting:
        assert key in chosen or not shares.has_room(counts, owner), "there was room for it"


@given(lines, limits, st.randoms())
def test_nobody_starves_and_each_owners_go_in_their_order(
    waiting: list[tuple[str, str]], shares: Shares, random: Any
) -> None:
    left, running, begun = list(waiting), [], []
    while left or running:
        chosen = next_in_line(left, Counter(owner for _, owner in running), shares)
        assert chosen or running, "all stands still"
        begun += [(key, owner) for key, owner in left if key in chosen]
        running += [(key, owner) for key, owner in left if key in chosen]
        left = [(key, owner) for key, owner in left if key not in chosen]
        running.pop(random.randrange(len(running)))
    assert sorted(begun) == sorted(waiting)
    for name in {owner for _, owner in waiting}:
        keys = [int(key) for key, owner in begun if owner == name]
        assert keys == sorted(keys)


def test_a_thousand_requests_of_one_user_hold_up_another_by_one_place_only() -> None:
    waiting = [(f"many-{n}", "many") for n in range(1000)] + [("one", "one")]
    assert next_in_line(waiting, {"many": 4}, Shares(16, 4))[0] == "one"
    assert next_in_line(waiting, {}, Shares(2, 0)) == ["many-0", "one"]


def until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


@pytest.fixture
def served(
    serve: Serve, config: TooInstance, folder: Path, finish: Finish
) -> Callable[..., LocalClient]:
    """A server with the tool, which all may run, and a way to be one of its users."""
    installation = serve()
    ada = LocalClient(config, Principal(name="ada"), installation=installation)
    assert finish(ada, ada.create(NewTool(source=str(folder)))[1]).status is VersionStatus.READY
    ada.update("probe", ToolChanges(access=("bob", "eve")))

    def user(name: str = "ada") -> LocalClient:
        return LocalClient(config, Principal(name=name), installation=installation)

    return user


def start(client: LocalClient, *arguments: str, **given: Any) -> Run:
    return client.run(NewRun(tool="ada/probe", arguments=arguments, **given))


def statuses(client: LocalClient) -> Counter[RunStatus]:
    return Counter(run.status for run in client.runs(RunFilter(limit=100)).items)


def test_a_user_has_so_many_runs_under_way_and_the_others_wait_in_line(
    served: Callable[..., LocalClient], config: TooInstance
) -> None:
    config.concurrent_runs_per_user, config.waiting_runs_per_user = 1, 2
    ada, bob = served(), served("bob")
    first = start(ada, "sleep")
    second, third = start(ada, "mark", "0"), start(ada, "hello")
    assert [run.status for run in (first, second, third)] == ["running", "queued", "queued"]
    assert second.message == "Waiting: 1 run of yours is under way"
    assert third.message == "Waiting: 1 run of yours is before it"
    with pytest.raises(TooManyError) as caught:
        start(ada, "hello")
    assert (caught.value.error_code, caught.value.retry_after_s > 0) == ("quota", True)
    assert len(list(config.runs_path.iterdir())) == 3, "what was refused left something behind"
    assert bob.wait(start(bob, "hi").number, 60).status is RunStatus.SUCCEEDED
    usage = ada.usage()
    assert (usage.running, usage.waiting, usage.most_running) == (1, 2, 1)
    assert ada._installation.health()["queued"] == 2

    with pytest.raises(ConflictError):
        ada.delete_run(second.number)
    assert ada.cancel(second.number).status is RunStatus.CANCELLED
    assert ada.cancel(first.number).status is RunStatus.CANCELLED
    assert ada.wait(third.number, 60).status is RunStatus.SUCCEEDED
    assert not (config.runs_path / second.id / "started").exists(), "it was started nevertheless"
    ada.delete_run(second.number)


def test_whoever_follows_a_waiting_run_sees_it_begin_and_end(
    served: Callable[..., LocalClient], config: TooInstance
) -> None:
    config.concurrent_runs_per_user = 1
    ada = served()
    first = start(ada, "sleep")
    waiting = start(ada, "slow")
    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(lambda: list(ada.follow(waiting.number)))
        ada.cancel(first.number)
        events = seen.result(60)
    states = [event.status for event in events if isinstance(event, Run)]
    assert states[0] is RunStatus.QUEUED
    assert RunStatus.RUNNING in states
    assert states[-1] is RunStatus.SUCCEEDED
    text = b"".join(event.data for event in events if not isinstance(event, Run))
    assert text == b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"


def test_many_at_once_of_several_users_all_run_once_and_never_too_many(
    served: Callable[..., LocalClient], config: TooInstance
) -> None:
    config.concurrent_runs, config.concurrent_runs_per_user = 3, 2
    users = {name: served(name) for name in ("ada", "bob", "eve")}
    installation = users["ada"]._installation

    def ask(name: str) -> Run:
        return start(users[name], "echo", name)

    most: Counter[str] = Counter()
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(ask, ["ada"] * 10 + ["bob"] * 2 + ["eve"] * 4))

        def is_over() -> bool:
            line = installation._line.read()
            most["all"] = max(most["all"], line.under_way.total())
            for owner, count in line.under_way.items():
                most[owner] = max(most[owner], count)
            return not line.waiting and not line.under_way

        until(is_over, "the end of all")
    assert most["all"] <= 3
    assert all(most[name] <= 2 for name in users)
    ended = [users[run.owner].get_run(run.number) for run in runs]
    assert {run.status for run in ended} == {RunStatus.SUCCEEDED}
    bob_ended = max(run.finished_at for run in ended if run.owner == "bob" if run.finished_at)
    ada_ended = max(run.finished_at for run in ended if run.owner == "ada" if run.finished_at)
    assert bob_ended < ada_ended, "two of bob's waited for all of ada's"


def test_a_kernel_beside_a_server_starts_its_own_and_waits_for_what_is_in_line(
    served: Callable[..., LocalClient], config: TooInstance, open_client: Callable[..., LocalClient]
) -> None:
    config.concurrent_runs_per_user = 1
    ada, kernel = served(), open_client()
    first = start(ada, "sleep")
    waiting = start(ada, "hello")
    assert start(kernel, "kernel").status is RunStatus.RUNNING
    assert kernel.get_run(waiting.number).status is RunStatus.QUEUED
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(kernel.wait, waiting.number)
        assert kernel.cancel(first.number).status is RunStatus.CANCELLED
        assert waited.result(60).status is RunStatus.SUCCEEDED
    other = start(ada, "sleep")
    waiting = start(ada, "hello")
    assert kernel.cancel(waiting.number).status is RunStatus.CANCELLED
    ada.cancel(other.number)


def test_a_secret_waits_in_memory_only_and_is_there_when_the_turn_comes(
    served: Callable[..., LocalClient], config: TooInstance
) -> None:
    config.concurrent_runs_per_user = 1
    ada = served()
    first = start(ada, "sleep")
    waiting = start(ada, "env", secrets={"TOKEN": "s3cret-value"})
    for path in config.home_path.rglob("*"):
        assert not path.is_file() or b"s3cret-value" not in path.read_bytes(), path
    ada.cancel(first.number)
    assert ada.wait(waiting.number, 60).status is RunStatus.SUCCEEDED
    assert b"TOKEN=***" in ada.read_output(waiting.number, "stdout")


def test_a_secret_that_died_with_its_server_fails_the_run_that_waited_for_it(
    served: Callable[..., LocalClient], config: TooInstance, serve: Serve
) -> None:
    config.concurrent_runs_per_user = 1
    ada = served()
    first = start(ada, "sleep")
    waiting = start(ada, "env", secrets={"TOKEN": "s3cret-value"})
    with_none = start(ada, "hello")
    other = serve()
    ada.cancel(first.number)
    assert ada.wait(waiting.number, 60).status is RunStatus.SUCCEEDED, "the other server took it"
    second = start(ada, "sleep")
    waiting = start(ada, "env", secrets={"TOKEN": "s3cret-value"})
    ada._installation.close()
    served_now = LocalClient(config, Principal(name="ada"), installation=other)
    served_now.cancel(second.number)
    ended = served_now.wait(waiting.number, 60)
    assert (ended.status, ended.failure and ended.failure.code) == ("failed", "secret_missing")
    assert served_now.wait(with_none.number, 60).status is RunStatus.SUCCEEDED


def test_a_run_whose_server_ended_gives_its_place_to_the_next_though_nobody_looks_at_it(
    served: Callable[..., LocalClient], config: TooInstance, serve: Serve
) -> None:
    config.concurrent_runs_per_user = 1
    ada = served()
    other = serve()
    begun = start(ada, "mark", "1")
    waiting = start(ada, "hello")
    assert begun.status is RunStatus.RUNNING
    assert waiting.status is RunStatus.QUEUED
    ada._installation.close()
    served_now = LocalClient(config, Principal(name="ada"), installation=other)
    assert served_now.wait(waiting.number, 60).status is RunStatus.SUCCEEDED
    assert served_now.get_run(begun.number).status is RunStatus.SUCCEEDED


def test_a_nearly_full_disk_takes_nothing_new_and_lets_read_and_delete(
    served: Callable[..., LocalClient], config: TooInstance, folder: Path
) -> None:
    ada = served()
    before = ada.wait(start(ada, "hello").number)
    config.min_free_disk_percent = 100.0
    for ask in (
        lambda: start(ada, "hello"),
        lambda: ada.rerun(before.number),
        lambda: ada.build("probe"),
        lambda: ada.create(NewTool(source=str(folder), name="another")),
    ):
        with pytest.raises(StorageError) as caught:
            ask()
        assert (caught.value.error_code, caught.value.status) == ("disk_full", 507)
    assert len(ada.tools().items) == 1
    health = ada._installation.health()
    assert health["status"] == "degraded"
    assert "nearly full" in str(health["disk"])
    assert ada.read_output(before.number, "stdout") == b"hello\n"
    ada.delete_run(before.number)
    config.min_free_disk_percent = 0.0
    assert ada.wait(start(ada, "again").number, 60).status is RunStatus.SUCCEEDED
    assert ada._installation.health()["status"] == "ok"


class Leaving(ProcessEngine):
    """An engine that can be away for a while."""

    is_away = False

    async def has(self, environment: Any) -> bool:
        if self.is_away:
            raise EngineError("The engine does not answer.")
        return await super().has(environment)


def test_an_engine_that_is_away_for_a_while_keeps_what_waits_waiting(
    served: Callable[..., LocalClient], config: TooInstance
) -> None:
    config.concurrent_runs_per_user = 1
    ada = served()
    engine = Leaving(config)
    ada._installation.engines._made["process"] = engine
    first = start(ada, "sleep")
    waiting = start(ada, "hello")
    engine.is_away = True
    ada.cancel(first.number)
    until(lambda: "does not answer" in ada.get_run(waiting.number).message, "a message")
    assert ada.get_run(waiting.number).status is RunStatus.QUEUED
    health = ada._installation.health()
    assert (health["status"], health["engine_message"]) == (
        "degraded",
        "The engine does not answer.",
    )
    with pytest.raises(EngineError):
        start(ada, "hello")
    engine.is_away = False
    assert ada.wait(waiting.number, 60).status is RunStatus.SUCCEEDED


@pytest.fixture
def lock(config: TooInstance) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the database."""
    path = config.home_path / "tooinstance.sqlite"
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    yield connection
    connection.close()


def test_a_database_that_is_locked_for_a_while_holds_up_and_loses_nothing(
    served: Callable[..., LocalClient], config: TooInstance, lock: sqlite3.Connection
) -> None:
    config.concurrent_runs_per_user = 2
    ada = served()
    ends = start(ada, "slow")
    other = start(ada, "slow")
    waiting = start(ada, "hello")
    lock.execute("BEGIN IMMEDIATE")
    try:
        began = time.monotonic()
        with pytest.raises(StorageError) as caught:
            start(ada, "hello")
        assert (caught.value.error_code, caught.value.status) == ("database_locked", 503)
        assert ada.read_output(ends.number, "stdout").startswith(b"1\n"), "readers are held up"
        assert ada.get_run(ends.number).status is RunStatus.RUNNING
        until(lambda: time.monotonic() - began > 7, "the time in which all writers gave up")
    finally:
        lock.execute("ROLLBACK")
    for run in (ends, other, waiting):
        assert ada.wait(run.number, 60).status is RunStatus.SUCCEEDED
    assert len(list(config.runs_path.iterdir())) == 3


def test_builds_wait_in_line_and_a_waiting_one_is_cancelled_at_once(
    served: Callable[..., LocalClient], config: TooInstance, tmp_path: Path, finish: Finish
) -> None:
    config.concurrent_builds_per_user, config.waiting_builds_per_user = 1, 2
    for name, sleep in (("one", 60), ("two", 60), ("three", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(f"#!/bin/sh\nsleep {sleep}\necho usage\n")
    ada = served()

    def create(name: str) -> Version:
        return ada.create(NewTool(source=str(tmp_path / name)))[1]

    def stands(version: Version) -> Version:
        return ada._installation.builds.get(ada.principal, version.id)

    one = create("one")
    until(lambda: stands(one).status is VersionStatus.CHECKING, "the first build's check")
    two, three = create("two"), create("three")
    assert "1 build of yours is under way" in two.message
    assert "1 build of yours is before it" in three.message
    with pytest.raises(TooManyError):
        ada.build("probe")
    with pytest.raises(TooManyError):
        ada.create(NewTool(source=str(tmp_path / "two"), name="four"))
    assert len(ada.tools().items) == 4, "what was refused left a tool behind"
    assert ada.usage().building == 3
    began = time.monotonic()
    assert ada.cancel_build(two.id).status is VersionStatus.CANCELLED
    assert time.monotonic() - began < 30, "it waited for the build before it"
    assert stands(three).status is VersionStatus.PENDING
    assert ada.cancel_build(one.id).status is VersionStatus.CANCELLED
    assert finish(ada, three).status is VersionStatus.READY


def test_a_server_that_is_closed_leaves_its_builds_and_its_line_to_the_next(
    served: Callable[..., LocalClient],
    config: TooInstance,
    tmp_path: Path,
    serve: Serve,
    finish: Finish,
) -> None:
    config.concurrent_runs_per_user = 1
    (tmp_path / "long").mkdir()
    script = tmp_path / "long" / "long"
    script.write_text("#!/bin/sh\nsleep 60\n")
    ada = served()
    building = ada.create(NewTool(source=str(tmp_path / "long")))[1]
    builds = ada._installation.builds
    until(
        lambda: builds.get(ada.principal, building.id).status is VersionStatus.CHECKING, "a check"
    )
    going, waiting = start(ada, "slow"), start(ada, "hello")
    began = time.monotonic()
    ada._installation.close()
    assert time.monotonic() - began < 30, "builds were waited for"
    script.write_text("#!/bin/sh\necho usage\n")
    again = LocalClient(config, Principal(name="ada"), installation=serve())
    assert again.wait(going.number, 60).status is RunStatus.SUCCEEDED
    assert again.wait(waiting.number, 60).status is RunStatus.SUCCEEDED
    built = finish(again, building)
    assert (built.status, built.number) == (VersionStatus.READY, 1)
