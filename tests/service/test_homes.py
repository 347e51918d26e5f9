"""Several homes on one database: each carries out its own, and leaves what is another's alone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tooinstance_jupyter import display
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import ConflictError, OutputElsewhereError
from tooinstance_jupyter.export.gather import Wish, gather
from tooinstance_jupyter.mapping import ToolMap
from tooinstance_jupyter.records import Principal, Run, RunStatus, Version, VersionStatus
from tooinstance_jupyter.requests import NewRun, NewTool, RunFilter
from tooinstance_jupyter.results import RunResult
from tooinstance_jupyter.service.installation import Installation
from tooinstance_jupyter.tables import plain_items, result_of

At = Callable[..., LocalClient]


@pytest.fixture
def at(tmp_path: Path) -> Iterator[At]:
    """Return a function that opens a home, by its name, on the one database."""
    opened: list[Installation] = []

    def open_home(name: str, *, serves: bool = False, **settings: int) -> LocalClient:
        config = TooInstance(
            home=str(tmp_path / name),
            database_url=f"sqlite:///{tmp_path / 'shared.sqlite'}",
            cancel_grace_s=0.2,
            min_free_disk_percent=0.0,
            **settings,
        )
        opened.append(Installation(config, serves=serves))
        return LocalClient(config, Principal(name="ada"), installation=opened[-1])

    yield open_home
    for installation in opened:
        installation.close()


def start(client: LocalClient, *arguments: str) -> int:
    return client.run(NewRun(tool="probe", arguments=arguments)).number


def test_a_run_is_seen_from_another_home_and_left_to_its_own(
    at: At, folder: Path, finish: Callable[[LocalClient, Version], Version]
) -> None:
    here, there = at("here"), at("there", serves=True)
    finish(here, here.create(NewTool(source=str(folder)))[1])
    number = start(here, "sleep")
    assert [run.number for run in there.runs(RunFilter()).items] == [number]
    assert there.get_run(number).status is RunStatus.RUNNING
    with pytest.raises(ConflictError, match="another server"):
        there.cancel(number)
    here.cancel(number)
    assert there.get_run(number).status is RunStatus.CANCELLED

    number = start(here, "mark", "0.3")
    ended = there.wait(number, 60)
    assert (ended.status, [file.path for file in ended.files]) == ("succeeded", ["starts"])

    number = start(here, "mark", "0")
    here._installation.close()
    exit_file = here._installation.config.runs_path / there.get_run(number).id / "exit.json"
    end = time.monotonic() + 20
    while not exit_file.exists():
        assert time.monotonic() < end, "the tool did not end"
        time.sleep(0.02)
    assert there.get_run(number).status is RunStatus.RUNNING, "it is its own home's to complete"
    assert at("here", serves=True).wait(number, 60).status is RunStatus.SUCCEEDED


def test_what_a_run_of_another_home_wrote_is_said_to_be_elsewhere(
    at: At,
    folder: Path,
    tmp_path: Path,
    finish: Callable[[LocalClient, Version], Version],
) -> None:
    here, there = at("here"), at("there", serves=True)
    finish(here, here.create(NewTool(source=str(folder)))[1])
    number = here.wait(start(here, "write", "a.txt", "b.bin")).number
    spoken = here.wait(start(here, "hello")).number
    silent = here.wait(start(here, "write")).number
    home = here._installation.home[:8]

    for read in (
        lambda: there.read_output(spoken, "stdout"),
        lambda: there.output_size(spoken, "stdout"),
        lambda: there.read_file(number, "a.txt"),
        lambda: there.file_path(number, "b.bin"),
        lambda: list(there.follow(spoken)),
        lambda: gather(there, Wish(runs=[spoken]), tmp_path / "export"),
        lambda: gather(there, Wish(runs=[number]), tmp_path / "export"),
        lambda: there._installation.outputs.archive(there.get_run(number), "zip"),
        lambda: RunResult(there, there.get_run(spoken)).stdout,
        lambda: RunResult(there, there.get_run(number)).files["a.txt"].text(),
    ):
        with pytest.raises(OutputElsewhereError, match="in another home") as caught:
            read()
        assert home in caught.value.message, "it does not say which"
        assert "rerun" in caught.value.hint
    assert there.read_output(silent, "stdout") == b"", "it is known that nothing was written"
    assert there.read_output(number, "stderr") == b""
    for shown in (spoken, number):
        bundle = display.run_bundle(there, there.get_run(shown))
        assert "another home" in bundle["text/plain"]
        assert "another home" in bundle["text/html"]
        [problem] = bundle["application/vnd.tooinstance.run.v1+json"]["output_problems"]
        assert problem["code"] == "output_elsewhere"
    assert "another home" not in display.run_bundle(there, there.get_run(silent))["text/plain"]

    going = start(here, "sleep")
    with pytest.raises(OutputElsewhereError):
        list(there.follow(going))
    here.cancel(going)


def test_a_map_says_of_an_output_that_cannot_be_read_why_and_gives_none(
    at: At, folder: Path, finish: Callable[[LocalClient, Version], Version]
) -> None:
    here = at("here")
    finish(here, here.create(NewTool(source=str(folder)))[1])

    class Forgetful(LocalClient):
        """A client of a machine on which somebody deletes what each run wrote."""

        def wait(self, number: int, timeout_s: float | None = None) -> Run:
            run = super().wait(number, timeout_s)
            shutil.rmtree(here._installation.config.runs_path / run.id)
            return run

    client = Forgetful(here._config, here.principal, installation=here._installation)
    mapping = ToolMap(client, [lambda: NewRun(tool="probe", arguments=["hello"])], jobs=1)
    list(mapping.follow())
    [one] = mapping.results()
    assert (one.status, one.exit_code, one.stdout) == ("succeeded", 0, None)
    assert f"standard output of run {one.run} is missing" in one.message
    items = plain_items(["hello"])
    shown = display.mapping_bundle("probe", mapping.progress(), items.rows, [one])
    assert "is missing" in shown["text/plain"]
    assert result_of(items, [one])["stdout"][0] is None


def test_two_homes_that_made_the_same_environment_each_use_their_own(
    at: At, folder: Path, finish: Callable[[LocalClient, Version], Version]
) -> None:
    here, there = at("here"), at("there")
    mine = finish(here, here.create(NewTool(source=str(folder)))[1])
    other = finish(there, there.create(NewTool(source=str(folder), name="other"))[1])
    assert mine.environment_id == other.environment_id
    for client, name in ((here, "probe"), (there, "other")):
        number = client.run(NewRun(tool=name, arguments=["hello"])).number
        assert client.wait(number).status is RunStatus.SUCCEEDED
        assert client.read_output(number, "stdout") == b"hello\n"
    here.delete("probe")
    there.delete("other")
    [removal] = here.collect_garbage(dry_run=False)
    assert (removal.kind, removal.problem) == ("environment", "")
    left = there._installation.config.environments_path / str(mine.environment_id)
    assert left.is_dir(), "it belongs to the other home"


def test_what_waits_in_line_or_is_built_is_its_own_homes(
    at: At, tmp_path: Path, folder: Path, finish: Callable[[LocalClient, Version], Version]
) -> None:
    here = at("here", serves=True, concurrent_runs_per_user=1)
    there = at("there", serves=True)
    finish(here, here.create(NewTool(source=str(folder)))[1])
    assert here._installation.home != there._installation.home
    going, waiting = start(here, "sleep"), start(here, "hello")
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / "long").write_text("#!/bin/sh\nsleep 60\n")
    building = here.create(NewTool(source=str(tmp_path / "long")))[1]
    here._installation.close()
    assert start(there, "hello") > waiting, "another home's line holds this one up"
    assert there.collect_garbage(dry_run=False) == []
    with pytest.raises(ConflictError, match="another server"):
        there.cancel_build(building.id)
    assert there.get_run(waiting).status is RunStatus.QUEUED
    [version] = there.tool("long").versions
    assert version.status is VersionStatus.PENDING
    assert there.cancel(waiting).status is RunStatus.CANCELLED
    again = at("here", serves=True)
    again.cancel(going)
    assert again.cancel_build(building.id).status is VersionStatus.CANCELLED
