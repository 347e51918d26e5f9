"""A tool over many inputs holds in both forms of the client: never too many, none lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.client.base import Client
from tooinstance_jupyter.client.discovery import Server
from tooinstance_jupyter.client.http import HttpClient
from tooinstance_jupyter.errors import InvalidValueError, NotFoundError
from tooinstance_jupyter.mapping import MOST_STDOUT_BYTES, NOT_STARTED, ToolMap
from tooinstance_jupyter.records import Version
from tooinstance_jupyter.requests import NewRun, NewTool, RunFilter


def orders(*argvs: Sequence[str], tool: str = "ada/probe") -> list[Callable[[], NewRun]]:
    news = [NewRun(tool=tool, arguments=argv) for argv in argvs]
    return [lambda new=new: new for new in news]  # type: ignore[misc]


def done(mapping: ToolMap) -> ToolMap:
    for _ in mapping.follow():
        pass
    return mapping


def refused() -> NewRun:
    raise InvalidValueError("This one cannot be run.", "Leave it out.")


def test_each_input_has_its_result_in_the_order_of_the_inputs(client: Client) -> None:
    words = [f"word {n}" for n in range(9)]
    mapping = done(ToolMap(client, orders(*(["args", word] for word in words)), jobs=3))
    results = mapping.results()
    assert [one.stdout for one in results] == [f"[{word}]" for word in words]
    assert {(one.status, one.exit_code) for one in results} == {("succeeded", 0)}
    assert all(one.run and one.duration_s is not None for one in results)


def test_no_more_are_under_way_than_allowed(client: Client) -> None:
    mapping = ToolMap(client, orders(*[["slow"]] * 3), jobs=2)
    seen = 0
    for progress in mapping.follow():
        if progress.under_way == 2:
            under_way = client.runs(RunFilter(tool="ada/probe", limit=50)).items
            seen = max(seen, sum(not run.status.is_final for run in under_way))
            mapping.cancel()
    assert seen == 2


def test_a_servers_own_limit_is_kept(client: Client) -> None:
    most = client.usage().most_running
    mapping = ToolMap(client, orders(*[["args"]] * 20), jobs=20)
    seen = max(progress.under_way for progress in mapping.follow())
    assert seen <= (most or 20)


def test_what_fails_or_cannot_be_run_stops_nothing_else(client: Client) -> None:
    given = [*orders(["args", "a"], ["fail"], ["args", "b\0"]), refused, *orders(["args", "z"])]
    results = done(ToolMap(client, given, jobs=2)).results()
    assert [one.status for one in results] == [
        "succeeded", "failed", NOT_STARTED, NOT_STARTED, "succeeded",
    ]  # fmt: skip
    assert (results[1].exit_code, results[1].ok) == (3, False)
    assert results[1].message.endswith("exit code 3: sorry"), "the tool said why"
    assert "NUL" in results[2].message
    assert results[3].message == "This one cannot be run. Leave it out."


def test_what_no_input_is_to_blame_for_is_an_error(client: Client) -> None:
    with pytest.raises(NotFoundError, match="nosuch"):
        done(ToolMap(client, orders(*[["args"]] * 50, tool="nosuch"), jobs=2))


def test_a_long_output_is_cut_and_said_to_be(client: Client) -> None:
    given = orders(["bytes"], ["args", "short"])
    result, short = done(ToolMap(client, given, jobs=1)).results()
    assert len(result.stdout) <= MOST_STDOUT_BYTES
    assert result.output_cut
    assert "300,000" in result.message
    assert not short.output_cut
    assert result.output_cut == "stdout here 100 kB of 300 kB"


def test_all_of_an_output_is_there_where_it_is_passed_on(client: Client) -> None:
    new = NewRun(tool="ada/probe", arguments=["bytes"], passes=True)
    [result] = done(ToolMap(client, [lambda: new], jobs=1)).results()
    written = client.read_output(result.run, "stdout")
    assert len(written) == 300_000
    assert result.stdout == written.decode("utf-8", "replace").removesuffix("\n")
    assert result.output_cut == ""


def test_cancelling_stops_what_is_under_way_and_begins_nothing_more(client: Client) -> None:
    mapping = ToolMap(client, orders(["args", "a"], *[["wait"]] * 5), jobs=2)
    follower = threading.Thread(target=done, args=[mapping], daemon=True)
    follower.start()
    until = time.monotonic() + 60
    while (progress := mapping.progress()).ended < 1 or progress.under_way < 2:
        assert time.monotonic() < until, f"two were to be under way: {progress}"
        time.sleep(0.02)
    mapping.cancel()
    follower.join(60)
    statuses = [one.status for one in mapping.results()]
    assert statuses == ["succeeded", "cancelled", "cancelled", *[NOT_STARTED] * 3]
    assert "Interrupted" in mapping.results()[-1].message
    assert not [run for run in client.runs(RunFilter(limit=50)).items if not run.status.is_final], (
        "something goes on"
    )


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"writes_per_minute": 20}, id="of writes in a minute"),
        pytest.param(
            {"concurrent_runs_per_user": 1, "waiting_runs_per_user": 1}, id="of runs in line"
        ),
    ],
)
def test_a_quota_that_is_used_up_is_waited_for(
    start_server: Any, probe_folder: Path, settings: dict[str, int]
) -> None:
    config = {"TooInstance": {"engine": "process", **settings}}
    server = start_server(config=config, local_sources=True)
    client = HttpClient(Server(url=server.url, token=server.token))
    _, version = client.create(NewTool(source=str(probe_folder)))
    *_, last = (e for e in client.follow_build(version.id) if isinstance(e, Version))
    assert last.status == "ready", last
    given = orders(*(["args", str(n)] for n in range(24)), tool="probe")
    results = done(ToolMap(client, given, jobs=4)).results()
    client.close()
    assert [one.stdout for one in results] == [f"[{n}]" for n in range(24)]
