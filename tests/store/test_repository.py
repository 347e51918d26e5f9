"""Records come back as they went in, are found, and change only as they may."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
import multiprocessing
import threading
import uuid
import zlib
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tooinstance_jupyter import access
from tooinstance_jupyter.errors import (
    ConflictError,
    InvalidValueError,
    NameTakenError,
    StaleError,
)
from tooinstance_jupyter.records import (
    RUN_TRANSITIONS,
    VERSION_TRANSITIONS,
    Candidate,
    Environment,
    Failure,
    InputFile,
    Interface,
    Limits,
    Option,
    OptionKind,
    OutputFile,
    OutputKind,
    Principal,
    Run,
    RunStatus,
    Source,
    SourceKind,
    StreamSize,
    Subcommand,
    Tool,
    Version,
    VersionStatus,
    Visibility,
    now,
)
from tooinstance_jupyter.store.repository import Store

SOURCE = Source(kind=SourceKind.GIT, location="https://e.example/ada/t", ref="v1")
ADA = Principal(name="ada")


def make_tool(**fields: object) -> Tool:
    return Tool(**{"owner": "ada", "name": "t", "source": SOURCE, **fields})  # type: ignore[arg-type]


def make_run(**fields: object) -> Run:
    given: dict[str, object] = {
        "owner": "ada",
        "tool_id": None,
        "tool_name": "ada/t",
        "version_id": None,
        "version_number": 1,
        "environment_id": None,
    }
    return Run(**{**given, **fields})  # type: ignore[arg-type]


def make_version(tool: Tool, **fields: object) -> Version:
    given: dict[str, object] = {"tool_id": tool.id, "number": 0, "source": SOURCE, "engine": "x"}
    return Version(**{**given, **fields})  # type: ignore[arg-type]


def test_a_tool_comes_back_as_it_went_in(store: Store) -> None:
    tool = make_tool(
        runtime="python",
        entry_point="bin/it's\n😀",
        output=OutputKind.BOTH,
        visibility=Visibility.PUBLIC,
        access=("grace", "lab"),
        description="“quoted” — \x1b[31m",
    )
    store.add_tool(tool)
    assert store.find_tool("ada", "t") == store.get_tool(tool.id) == tool


def test_a_run_comes_back_as_it_went_in(store: Store) -> None:
    run = make_run(
        arguments=("--a", "", "ü\n"),
        command=("/x",),
        inputs=(InputFile(path="i", size_bytes=1, sha256="f" * 64),),
        variables={"A": "b"},
        secrets=("TOKEN",),
        limits=Limits(timeout_s=1.5, network=False),
        status=RunStatus.FAILED,
        failure=Failure(code="c", message="m", hint="h"),
        stdout=StreamSize(total_bytes=2**40, kept_bytes=3),
        files=(OutputFile(path="o", size_bytes=5, sha256="0" * 64, media_type="text/csv"),),
        started_at=now(),
        finished_at=now(),
    )
    kept = store.add_run(run)
    assert store.get_run(kept.number) == store.get_run_by_id(run.id) == kept
    assert dataclasses.replace(kept, number=0) == run


def test_a_version_and_an_environment_come_back_as_they_went_in(store: Store) -> None:
    tool = make_tool()
    store.add_tool(tool)
    version = make_version(
        tool,
        command=("a", "b"),
        candidates=(Candidate(runtime="python", entry_point="e", reason="r", rank=3),),
        notes=("n",),
        failure=Failure(code="c", message="m"),
    )
    kept = store.add_version(version)
    environment = Environment(
        id="e",
        engine="process",
        location="/e",
        commit="c",
        recipe_hash="r",
        path=("/e/bin",),
        variables={"A": "b"},
        readable=("/p",),
    )
    store.put_environment(environment)
    store.put_environment(environment)

    assert store.get_version(version.id) == kept
    assert store.get_environment("e") == environment


def test_an_interface_comes_back_as_it_went_in_and_only_when_it_is_asked_for(
    store: Store,
) -> None:
    option = Option(
        names=("-l", "--level"),
        kind=OptionKind.CHOICE,
        metavar="L",
        choices=("a", "b"),
        default="",
        help="é",
        opposite="--no-level",
        is_repeated=True,
    )
    interface = Interface(
        usage="frob [-l L] PLACE",
        options=(option, Option(names=("-q",), kind=OptionKind.FLAG)),
        arguments=(Option(metavar="PLACE", is_required=True),),
        subcommands=(Subcommand(name="go", options=(option,), is_read=True),),
    )
    tool = make_tool()
    store.add_tool(tool)
    kept = store.add_version(make_version(tool, interface=interface))
    bare = dataclasses.replace(kept, interface=None)
    assert store.interface_of(kept.id) == interface
    assert store.interface_of("nosuch") is None
    assert store.get_version(kept.id) == bare
    assert store.list_versions(tool.id) == store.open_versions() == [bare]


def test_a_name_is_taken_until_its_tool_is_deleted(store: Store) -> None:
    first = make_tool()
    store.add_tool(first)
    with pytest.raises(NameTakenError, match="'t'"):
        store.add_tool(make_tool())
    store.add_tool(make_tool(owner="grace"))
    store.update_tool(dataclasses.replace(first, deleted_at=now()))
    store.add_tool(make_tool())
    assert store.get_tool(first.id) is not None


def test_versions_are_numbered_from_one_for_each_tool(store: Store) -> None:
    one, two = make_tool(name="one"), make_tool(name="two")
    for tool in (one, two):
        store.add_tool(tool)
    numbers = [store.add_version(make_version(tool)).number for tool in (one, two, one, one)]
    assert numbers == [1, 1, 2, 3]
    assert [v.number for v in store.list_versions(one.id)] == [3, 2, 1]


def test_a_number_of_a_run_is_never_given_twice(store: Store) -> None:
    first = store.add_run(make_run())
    store.delete_run(first.number)
    assert store.add_run(make_run()).number > first.number


@pytest.mark.parametrize(("before", "after"), list(itertools.product(RunStatus, RunStatus)))
def test_a_run_only_takes_steps_that_are_allowed(
    store: Store, before: RunStatus, after: RunStatus
) -> None:
    run = store.add_run(make_run(status=before))
    changed = dataclasses.replace(run, status=after)
    if after in RUN_TRANSITIONS[before] or after is before:
        store.advance_run(changed, expected=before)
    else:
        with pytest.raises(ConflictError):
            store.advance_run(changed, expected=before)
        changed = run
    assert store.get_run(run.number) == changed


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=st.lists(st.sampled_from(VersionStatus), max_size=8))
def test_a_version_is_always_where_allowed_steps_lead(
    store: Store, path: list[VersionStatus]
) -> None:
    tool = make_tool(name=f"t{uuid.uuid4().hex}")
    store.add_tool(tool)
    version = store.add_version(make_version(tool))
    for status in path:
        allowed = status in VERSION_TRANSITIONS[version.status] or status is version.status
        try:
            version = store.advance_version(
                dataclasses.replace(version, status=status), expected=version.status
            )
            assert allowed
        except ConflictError:
            assert not allowed
        assert store.get_version(version.id) == version


def test_of_two_that_end_a_run_at_once_one_wins(store: Store) -> None:
    run = store.add_run(make_run(status=RunStatus.RUNNING))
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def end(status: RunStatus) -> None:
        barrier.wait()
        try:
            store.advance_run(dataclasses.replace(run, status=status), expected=RunStatus.RUNNING)
            outcomes.append(status)
        except ConflictError:
            outcomes.append("conflict")

    threads = [
        threading.Thread(target=end, args=(status,))
        for status in (RunStatus.SUCCEEDED, RunStatus.CANCELLED)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stored = store.get_run(run.number)
    assert stored is not None
    assert sorted(outcomes) == sorted(["conflict", stored.status])


def _add_runs(url: str, count: int) -> list[int]:
    store = Store(url)
    try:
        return [store.add_run(make_run()).number for _ in range(count)]
    finally:
        store.close()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_processes_that_open_a_fresh_database_at_once_all_succeed_with_numbers_of_their_own(
    url: str,
) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        numbers = [n for part in pool.map(_add_runs, [url] * 3, [20] * 3) for n in part]
    assert sorted(numbers) == list(range(1, 61))


def test_runs_are_listed_newest_first_and_paged_to_the_end(store: Store) -> None:
    numbers = [store.add_run(make_run()).number for _ in range(25)]
    store.add_run(make_run(owner="grace"))
    seen: list[int] = []
    cursor = None
    while True:
        page = store.list_runs(principal=Principal(name="ada"), limit=10, cursor=cursor)
        seen += [run.number for run in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == numbers[::-1]


def test_runs_are_filtered_by_tool_status_text_and_time(store: Store) -> None:
    old = store.add_run(
        make_run(arguments=("--city", "Uppsala"), created_at=now() - timedelta(days=2))
    )
    new = store.add_run(
        make_run(tool_name="grace/u", status=RunStatus.SUCCEEDED, label="monthly report")
    )

    def found(**which: object) -> list[int]:
        page = store.list_runs(principal=Principal(name="ada"), **which)  # type: ignore[arg-type]
        return [run.number for run in page.items]

    assert found(tool="t") == found(tool="ada/t") == [old.number]
    assert found(tool="grace/u") == [new.number]
    assert found(tool="u") == []
    assert found(status=RunStatus.SUCCEEDED) == [new.number]
    assert found(text="upps") == found(text="--city uppsala") == [old.number]
    assert found(text="report") == [new.number]
    assert found(since=now() - timedelta(days=1)) == [new.number]
    assert found(until=now() - timedelta(days=1)) == [old.number]


HOSTILE_WORDS = [
    "%",
    "_",
    "*",
    '"',
    "'",
    "AND",
    "NOT x",
    "t OR",
    "NEAR(",
    "a:b",
    "{}",
    "\0",
    "^",
    "-",
]


@pytest.mark.parametrize("words", HOSTILE_WORDS)
def test_words_to_search_for_are_never_operators(store: Store, words: str) -> None:
    store.add_run(make_run())
    store.add_tool(make_tool())
    assert list(store.list_runs(principal=Principal(name="ada"), text=words).items) == []
    assert list(store.list_tools(principal=ADA, text=words).items) == []


def test_tools_are_found_by_name_first_and_by_a_name_that_is_nearly_right(store: Store) -> None:
    for name, description in (("sherlock", ""), ("cowsay", "says what sherlock says")):
        store.add_tool(make_tool(name=name, description=description))

    def found(words: str) -> list[str]:
        return [tool.name for tool in store.list_tools(principal=ADA, text=words).items]

    assert found("sherl") == ["sherlock", "cowsay"]
    assert found("says") == ["cowsay"]
    assert found("sherlok") == ["sherlock"]
    assert found("nothing") == []


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "9" * 5000])
def test_a_cursor_that_was_changed_is_refused(store: Store, cursor: str) -> None:
    for _ in range(2):
        store.add_run(make_run())
    good = store.list_runs(principal=Principal(name="ada"), limit=1).next_cursor
    assert good is not None
    for bad in (cursor, good[:-1], good[:-1] + ("A" if good[-1] != "A" else "B")):
        with pytest.raises(InvalidValueError) as caught:
            store.list_runs(principal=Principal(name="ada"), cursor=bad)
        assert caught.value.error_code == "cursor_invalid"
    with pytest.raises(InvalidValueError):
        store.list_tools(principal=ADA, cursor=good)


PRINCIPALS = [
    ADA,
    Principal(name="grace"),
    Principal(name="linus", groups=frozenset({"lab"})),
    Principal(name="root", is_admin=True),
]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
@given(
    owner=st.sampled_from(["ada", "grace"]),
    visibility=st.sampled_from(Visibility),
    listed=st.sets(st.sampled_from(["grace", "lab", "group:lab", "linus", "%"])),
    is_ready=st.booleans(),
    is_deleted=st.booleans(),
)
def test_the_list_shows_what_access_allows(
    store: Store,
    owner: str,
    visibility: Visibility,
    listed: set[str],
    is_ready: bool,
    is_deleted: bool,
) -> None:
    tool = make_tool(
        name=f"t{uuid.uuid4().hex}", owner=owner, visibility=visibility, access=tuple(listed)
    )
    store.add_tool(tool)
    store.add_version(
        make_version(tool, status=VersionStatus.READY if is_ready else VersionStatus.FAILED)
    )
    if is_deleted:
        store.update_tool(dataclasses.replace(tool, deleted_at=now()))
    for principal in PRINCIPALS:
        listing = store.list_tools(principal=principal, limit=1000).items
        is_listed = tool.id in {found.id for found in listing}
        may_see = access.may_see_tool(principal, tool, is_ready=is_ready)
        assert is_listed == (may_see and not is_deleted), principal
    store.update_tool(dataclasses.replace(tool, deleted_at=now()))


def test_a_very_long_text_is_kept_whole(store: Store) -> None:
    run = store.add_run(make_run(label="ö" * 1_000_000))
    assert store.get_run(run.number) == run


def test_an_environment_knows_the_versions_of_living_tools_that_need_it(store: Store) -> None:
    living, dead = make_tool(name="living"), make_tool(name="dead")
    for tool in (living, dead):
        store.add_tool(tool)
        store.add_version(make_version(tool, environment_id="e"))
    store.update_tool(dataclasses.replace(dead, deleted_at=now()))
    assert [version.tool_id for version in store.environment_users("e")] == [living.id]


@pytest.mark.parametrize("number", [-1, 0, 2**63, 10**30])
def test_a_number_that_no_run_has_finds_none(store: Store, number: int) -> None:
    assert store.get_run(number) is None


@pytest.mark.parametrize("told", [[], {}, 5, None, ["runs", 2**70], ["runs", -1], ["runs", True]])
def test_a_forged_cursor_is_refused(store: Store, told: object) -> None:
    raw = json.dumps(told).encode()
    forged = base64.urlsafe_b64encode(zlib.crc32(raw).to_bytes(4) + raw).decode().rstrip("=")
    with pytest.raises(InvalidValueError) as caught:
        store.list_runs(principal=Principal(name="ada"), cursor=forged)
    assert caught.value.error_code == "cursor_invalid"


def test_arguments_that_are_no_unicode_are_kept_and_searched(store: Store) -> None:
    run = store.add_run(make_run(arguments=("\udcff", "later")))
    assert store.get_run(run.number) == run
    assert [
        found.id for found in store.list_runs(principal=Principal(name="ada"), text="later").items
    ] == [run.id]


def test_those_hear_of_a_change_who_see_it_now_or_did_before(store: Store) -> None:
    tool = make_tool(access=("bob",))
    store.add_tool(tool)
    store.update_tool(dataclasses.replace(tool, owner="grace"))
    assert store.changes_after(0)[-1].seen_by == ("ada",)
    run = store.add_run(make_run(access=("bob",)))
    store.update_run(run.number, {"access": ("carol",)})
    store.advance_run(
        dataclasses.replace(run, status=RunStatus.STARTING), expected=RunStatus.QUEUED
    )
    assert store.changes_after(0)[-1].seen_by == ("carol",)


def test_a_tool_that_has_become_another_one_is_left_as_it_is(store: Store) -> None:
    tool = make_tool()
    store.add_tool(tool)
    later = dataclasses.replace(tool, description="later", updated_at=now())
    store.update_tool(later, before=tool)
    with pytest.raises(StaleError):
        store.update_tool(dataclasses.replace(tool, description="else"), before=tool)
    assert store.get_tool(tool.id) == later


def test_a_page_holds_at_least_one(store: Store) -> None:
    store.add_run(make_run())
    assert len(store.list_runs(principal=Principal(name="ada"), limit=-5).items) == 1
