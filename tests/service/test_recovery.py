"""A server is killed at each step of a run and of a build; the next one sees to what it left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import Principal, Run, RunStatus, Version, VersionStatus, now
from tooinstance_jupyter.requests import RunFilter
from tooinstance_jupyter.service import housekeeping, watching
from tooinstance_jupyter.service.installation import Installation

Finish = Callable[[LocalClient, Version], Version]
Next = Callable[[], LocalClient]
_PATIENCE_S = 60.0

_SERVER = """
import threading, time
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import Principal, Version
from tooinstance_jupyter.requests import NewRun, NewTool
from tooinstance_jupyter.service.installation import Installation

config = TooInstance(
    home={home!r}, cancel_grace_s=0.2, min_free_disk_percent=0.0, concurrent_runs_per_user=1
)
installation = Installation(config, serves=True)
ada = LocalClient(config, Principal(name="ada"), installation=installation)

def now():
    print("now", flush=True)
    threading.Event().wait()

def start(*arguments, **given):
    return ada.run(NewRun(tool="probe", arguments=arguments, **given))

def create(source, status):
    version = ada.create(NewTool(source=source))[1]
    for event in ada.follow_build(version.id):
        if isinstance(event, Version) and event.status == status:
            now()
    raise SystemExit("it was never " + status)
"""


@pytest.fixture
def killed(config: TooInstance) -> Iterator[Callable[..., None]]:
    """Return a function that has a server do something, and kills it once that calls ``now()``."""
    servers: list[subprocess.Popen[bytes]] = []

    def kill_server(code: str, *, once: Callable[[], object] = lambda: None) -> None:
        whole = _SERVER.format(home=config.home) + textwrap.dedent(code)
        server = subprocess.Popen([sys.executable, "-c", whole], stdout=subprocess.PIPE)
        servers.append(server)
        assert server.stdout is not None
        with server.stdout:
            assert server.stdout.readline() == b"now\n", "the server ended by itself"
            once()
            os.kill(server.pid, signal.SIGKILL)
            server.wait()

    yield kill_server
    for server in servers:
        server.kill()
        server.wait()


@pytest.fixture
def next_server(serve: Callable[[], Installation], config: TooInstance) -> Next:
    """Return a function that starts the next server, in this process."""

    def open_next() -> LocalClient:
        return LocalClient(config, Principal(name="ada"), installation=serve())

    return open_next


def until(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


def ended(client: LocalClient) -> list[Run]:
    """Return the runs once all have ended, the oldest first."""

    def runs() -> list[Run]:
        return list(client.runs(RunFilter(limit=100)).items)

    until(lambda: all(run.status.is_final for run in runs()), "the end of all runs")
    return [client.get_run(run.number) for run in reversed(runs())]


def processes(run_id: str) -> list[str]:
    mark = f"TOOINSTANCE_RUN={run_id}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "environ").read_bytes():
                found.append(path.name)
        except OSError:
            continue
    return found


def is_whole(client: LocalClient, run: Run) -> None:
    """Check that a run of ``mark`` was started once, and that all of it was kept."""
    assert run.status is RunStatus.SUCCEEDED, run
    assert client.read_output(run.number, "stdout") == b"begun\nover\n"
    assert [file.path for file in run.files] == ["starts"]
    assert len(client.file_path(run.number, "starts").read_text().splitlines()) == 1
    assert processes(run.id) == []


def test_a_run_that_goes_on_is_followed_on_and_what_waited_has_its_turn(
    probe: Version, killed: Callable[..., None], next_server: Next, config: TooInstance
) -> None:
    config.concurrent_runs_per_user = 1
    killed(
        """
        first = start("mark", "2")
        second = start("mark", "0")
        third = start("mark", "0", secrets={"TOKEN": "value"})
        assert (first.status, second.status) == ("running", "queued")
        now()
        """
    )
    ada = next_server()
    first, second, third = ended(ada)
    is_whole(ada, first)
    is_whole(ada, second)
    assert first.finished_at is not None
    assert second.started_at is not None
    assert first.finished_at <= second.started_at, "the limit was exceeded"
    assert (third.status, third.failure and third.failure.code) == ("failed", "secret_missing")


def test_a_run_that_was_never_started_is_lost_and_never_started_later(
    probe: Version,
    killed: Callable[..., None],
    next_server: Next,
    config: TooInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "_START_GRACE", timedelta(seconds=1))
    killed(
        """
        async def hang(*_, **__):
            now()
        type(installation.engines("process")).start = hang
        start("mark", "0")
        """
    )
    [run] = ended(next_server())
    assert run.status is RunStatus.LOST
    assert "before it was started" in run.message
    assert not (config.runs_path / run.id / "started").exists()


@pytest.mark.parametrize(
    "code",
    [
        # started, and that not recorded
        """
        advance = installation.store.advance_run
        def hang(run, **given):
            return now() if run.status == "running" else advance(run, **given)
        installation.store.advance_run = hang
        start("mark", "0.5")
        """,
        # over, and its output not collected
        """
        from tooinstance_jupyter.run_directory import RunDirectory
        RunDirectory.collect = lambda *_: now()
        start("mark", "0")
        threading.Event().wait()
        """,
        # collected, and that not recorded
        """
        advance = installation.store.advance_run
        def hang(run, **given):
            return now() if run.status.is_final else advance(run, **given)
        installation.store.advance_run = hang
        start("mark", "0")
        threading.Event().wait()
        """,
    ],
    ids=["starting", "ended", "collected"],
)
def test_a_run_is_completed_whenever_its_server_was_killed(
    probe: Version, killed: Callable[..., None], next_server: Next, code: str
) -> None:
    killed(code)
    ada = next_server()
    [run] = ended(ada)
    is_whole(ada, run)


def test_what_is_half_deleted_or_half_made_is_removed_and_orphans_end(
    probe: Version, killed: Callable[..., None], next_server: Next, config: TooInstance
) -> None:
    killed(
        """
        from tooinstance_jupyter.run_directory import RunDirectory
        orphan = start("sleep")
        installation.store.delete_run(orphan.number)
        deleted = ada.wait(start("mark", "0").number)
        (config.runs_path / ("0" * 32) / "work").mkdir(parents=True)
        RunDirectory.remove = lambda *_: now()
        ada.delete_run(deleted.number)
        """
    )
    left = [path.name for path in config.runs_path.iterdir()]
    assert len(left) == 3
    ada = next_server()
    until(lambda: not list(config.runs_path.iterdir()), "the end of what was half deleted")
    assert [processes(name) for name in left] == [[], [], []]
    assert ada.runs(RunFilter()).items == []


_BACKEND = """
import os, time, zipfile
def build_wheel(folder, settings=None, metadata=None):
    time.sleep({sleep})
    name = "slow-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        about = "slow-1.0.dist-info/"
        wheel.writestr("slow.py", "def main(): print('usage')")
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: slow\\nVersion: 1.0\\n")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\n"
            "Root-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(about + "entry_points.txt", "[console_scripts]\\nslow = slow:main\\n")
        wheel.writestr(about + "RECORD", "")
    return name
"""
_PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "slow"
version = "1.0"
[project.scripts]
slow = "slow:main"
"""


@pytest.fixture
def slow_tool(tmp_path: Path) -> Callable[[str, int], Path]:
    """Return a function that writes a tool which stays in one step of its build for so long."""

    def write(status: str, sleep_s: int) -> Path:
        folder = tmp_path / "slow"
        folder.mkdir(exist_ok=True)
        if status == "building":
            (folder / "pyproject.toml").write_text(_PYPROJECT)
            (folder / "backend.py").write_text(_BACKEND.format(sleep=sleep_s))
        else:
            (folder / "slow").write_text(f"#!/bin/sh\nsleep {sleep_s}\necho usage\n")
        return folder

    return write


def test_a_build_is_taken_up_again_once_whenever_its_server_was_killed(
    killed: Callable[..., None],
    next_server: Next,
    slow_tool: Callable[[str, int], Path],
    config: TooInstance,
    finish: Finish,
) -> None:
    for status in ("checking", "building"):
        source = slow_tool(status, 60)
        killed(f"create({str(source)!r}, {status!r})")
        slow_tool(status, 0)
        ada = next_server()
        [version] = ada.tool("slow").versions
        built = finish(ada, version)
        assert (built.status, built.number) == (VersionStatus.READY, 1), built
        left = {path.name for path in (config.builds_path / version.id).iterdir()}
        assert left == {"alive", "log", "order.json"}
        ada.delete("slow")
        ada._installation.close()


def test_a_build_that_is_interrupted_again_and_again_is_given_up(
    killed: Callable[..., None],
    next_server: Next,
    slow_tool: Callable[[str, int], Path],
    finish: Finish,
) -> None:
    source = slow_tool("checking", 60)
    killed(f"create({str(source)!r}, 'checking')")
    killed(
        """
        [version] = ada.tool("slow").versions
        while version.id not in installation.builds._at_work:
            time.sleep(0.02)
        while installation.store.get_version(version.id).status != "checking":
            time.sleep(0.02)
        now()
        """
    )
    ada = next_server()
    ended = finish(ada, ada.tool("slow").versions[0])
    assert ended.status is VersionStatus.FAILED
    assert ended.failure is not None
    assert ended.failure.code == "build_interrupted"


def git_in(place: str) -> list[str]:
    """Return the processes of git that work beneath a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if place in str((path / "cwd").readlink()) and (path / "comm").read_text()[:3] == "git":
                found.append(path.name)
        except OSError:
            continue
    return found


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(_PATIENCE_S)
        yield listener


@pytest.mark.parametrize(
    ("user", "code"), [("", "source_unreachable"), ("ada:s3cret@", "build_interrupted")]
)
def test_a_fetch_is_done_again_but_not_without_the_credential_of_its_link(
    killed: Callable[..., None],
    next_server: Next,
    silent: socket.socket,
    config: TooInstance,
    finish: Finish,
    user: str,
    code: str,
) -> None:
    link = f"http://{user}127.0.0.1:{silent.getsockname()[1]}/o/slow"
    connections: list[tuple[socket.socket, Any]] = []
    killed(f"create({link!r}, 'fetching')", once=lambda: connections.append(silent.accept()))
    place = str(config.builds_path)
    assert git_in(place), "git ended with the server: what follows tells nothing"
    silent.close()
    for path in config.home_path.rglob("*"):
        assert not path.is_file() or b"s3cret" not in path.read_bytes(), path
    ada = next_server()
    ended = finish(ada, ada.tool("slow").versions[0])
    assert ended.failure is not None
    assert ended.failure.code == code
    assert not (config.builds_path / ended.id / "source").exists()
    assert git_in(place) == [], "git goes on"
    for connection, _ in connections:
        connection.close()


def test_what_waited_for_a_builder_is_built_by_the_next_server(
    killed: Callable[..., None],
    next_server: Next,
    slow_tool: Callable[[str, int], Path],
    folder: Path,
    finish: Finish,
) -> None:
    source = slow_tool("checking", 60)
    killed(
        f"""
        ada.create(NewTool(source={str(source)!r}))
        waiting = ada.create(NewTool(source={str(folder)!r}))[1]
        assert waiting.status == "pending"
        now()
        """
    )
    slow_tool("checking", 0)
    ada = next_server()
    for name in ("slow", "probe"):
        assert finish(ada, ada.tool(name).versions[0]).status is VersionStatus.READY


def test_old_runs_are_deleted_but_for_those_that_are_pinned_or_go_on_elsewhere(
    next_server: Next, config: TooInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_BATCH", 2)
    config.run_retention_days = 90
    store = next_server()._installation.store
    kept = []
    for days, changes in (
        (200, {}),
        (150, {"pinned": True}),
        (150, {"home": "another"}),
        (120, {}),
        (91, {"status": RunStatus.QUEUED, "home": "another"}),
        (91, {"label": "ended lately", "finished_at": now()}),
        (100, {}),
        (1, {}),
    ):
        moment = now() - timedelta(days=days)
        old: dict[str, Any] = {"finished_at": moment, "status": RunStatus.SUCCEEDED}
        run = store.add_run(
            Run(
                owner="ada",
                tool_id=None,
                tool_name="ada/probe",
                version_id=None,
                version_number=1,
                environment_id=None,
                created_at=moment,
                **{**old, **changes},
            )
        )
        (config.runs_path / run.id / "work").mkdir(parents=True)
        if changes or days == 1:
            kept.append(run.id)
    next_server()
    folders = {path.name: path for path in config.runs_path.iterdir()}
    until(lambda: len(list(config.runs_path.iterdir())) == len(kept), "the end of old runs")
    assert {run.id for run in store.runs_after(0, limit=100)} == set(kept)
    assert {name for name, path in folders.items() if path.exists()} == set(kept)
