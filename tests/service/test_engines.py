"""What the use cases promise where there is more than one engine; on a real container engine."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.leftover_images import remove_images
from tooinstance_jupyter import display
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.containers import daemon
from tooinstance_jupyter.engines.docker.engine import DockerEngine
from tooinstance_jupyter.errors import ConflictError
from tooinstance_jupyter.records import Run, RunStatus, VersionStatus
from tooinstance_jupyter.requests import NewRun, NewTool, RunFilter
from tooinstance_jupyter.service.installation import Installation


@pytest.fixture
def config(docker_settings: TooInstance) -> TooInstance:
    return docker_settings


@pytest.fixture
def both(
    client: LocalClient, folder: Path, finish: Callable[..., Any]
) -> tuple[LocalClient, Callable[..., Run]]:
    """A tool with a version for each engine, and a way to run it."""
    first = finish(client, client.create(NewTool(source=str(folder), engine="process"))[1])
    second = finish(client, client.build("probe", engine="docker"))
    assert (first.status, second.status) == (VersionStatus.READY, VersionStatus.READY), second

    def run(*arguments: str, tool: str = "probe", **given: Any) -> Run:
        return client.wait(client.run(NewRun(tool=tool, arguments=arguments, **given)).number)

    return client, run


def test_one_tool_runs_on_either_engine_and_its_runs_say_on_which(both: Any) -> None:
    client, run = both
    newest = run("a", "b")
    assert (newest.engine, newest.isolation) == ("docker", "container")
    assert client.read_output(newest.number, "stdout") == b"a b\n"
    asked = run("c", engine="process")
    assert (asked.engine, asked.version_number) == ("process", 1)
    again = client.wait(client.rerun(newest.number).number)
    assert (again.status, again.engine) == (RunStatus.SUCCEEDED, "docker")
    with pytest.raises(ConflictError, match="built for the process engine"):
        run("d", tool="probe@1", engine="docker")


def test_inputs_outputs_and_standard_input_go_through_a_container(
    both: Any, tmp_path: Path
) -> None:
    client, run = both
    (tmp_path / "given.txt").write_text("given")
    ran = run("write", "x.txt", "y.txt", inputs=[tmp_path / "given.txt"], stdin=b"in")
    assert [file.path for file in ran.files] == ["x.txt", "y.txt"]
    assert client.file_path(ran.number, "x.txt").read_text() == "of x.txt\n"
    ran = run("cat", stdin=b"standard input")
    assert client.read_output(ran.number, "stdout") == b"standard input"
    assert run("fail").exit_code == 3


def test_a_tool_says_which_engine_why_and_how_isolated(both: Any) -> None:
    client, _ = both
    shown = display.tool_bundle(client.tool("probe"))["text/plain"]
    assert "docker (asked for): each run in a fresh container" in shown
    assert client.describe()["engine"] == "docker: set as the default"


def test_a_build_takes_the_engine_of_the_version_before(
    both: Any, finish: Callable[..., Any]
) -> None:
    client, _ = both
    assert finish(client, client.build("probe")).engine == "docker"


def test_docker_is_the_default_wherever_an_engine_answers(
    config: TooInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config.engine = "auto"
    client = LocalClient(config)
    assert client.describe()["engine"].startswith("docker: a container engine answers")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    assert daemon.is_there() is False
    assert client.describe()["engine"].startswith("process: not docker: there is no socket")
    client.close()


def test_a_run_is_found_by_the_next_client_and_cancelled(
    both: Any, open_client: Callable[..., LocalClient]
) -> None:
    client, _ = both
    started = client.run(NewRun(tool="probe", arguments=["sleep"]))
    other = open_client()
    assert other.get_run(started.number).status is RunStatus.RUNNING
    assert other.cancel(started.number).status is RunStatus.CANCELLED
    assert client.get_run(started.number).status is RunStatus.CANCELLED


def test_a_container_is_followed_on_after_its_server_was_killed(
    both: Any, config: TooInstance, serve: Callable[[], Installation]
) -> None:
    client, _ = both
    code = f"""
        import os, signal
        from tooinstance_jupyter.client.local import LocalClient
        from tooinstance_jupyter.config import TooInstance
        from tooinstance_jupyter.records import Principal
        from tooinstance_jupyter.requests import NewRun
        from tooinstance_jupyter.service.installation import Installation
        config = TooInstance(home={config.home!r}, min_free_disk_percent=0.0)
        installation = Installation(config, serves=True)
        ada = LocalClient(config, Principal(name="ada"), installation=installation)
        run = ada.run(NewRun(tool="probe", arguments=["slow"]))
        assert run.status == "running", run
        os.kill(os.getpid(), signal.SIGKILL)
    """
    server = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert server.returncode == -signal.SIGKILL
    installation = serve()
    ada = LocalClient(config, client.principal, installation=installation)
    [found] = ada.runs(RunFilter()).items
    ended = ada.wait(found.number, 60)
    assert (ended.status, ended.engine) == (RunStatus.SUCCEEDED, "docker")
    assert ada.read_output(ended.number, "stdout") == b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
    assert installation.health()["engine"] == "docker"


def test_an_image_that_nothing_uses_is_removed_with_its_size_named(both: Any) -> None:
    client, _ = both
    assert client.collect_garbage(dry_run=True) == []
    image = client._installation.store.get_environment(
        client.tool("probe").versions[0].environment_id
    ).location
    client.delete("probe")
    [removal] = [r for r in client.collect_garbage(dry_run=False) if r.kind == "image"]
    assert removal.size_bytes > 10**6
    gone = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
    assert gone.returncode != 0
    assert client.collect_garbage(dry_run=True) == []


def test_a_run_of_an_image_that_is_gone_says_to_build_it_again(
    both: Any, config: TooInstance
) -> None:
    client, run = both
    run("a")
    asyncio.run(DockerEngine(config).shut_down())
    remove_images(config)
    with pytest.raises(ConflictError) as caught:
        run("a")
    assert caught.value.error_code == "environment_missing"
    assert "%tooi build probe" in caught.value.hint
    assert client.runs  # what ran stays readable
    assert client.get_run(1).status is RunStatus.SUCCEEDED


def test_an_image_that_was_pushed_is_pulled_where_it_is_missing(
    config: TooInstance,
    client: LocalClient,
    folder: Path,
    finish: Callable[..., Any],
    registry: str,
) -> None:
    config.registry = registry
    config.armed_containers = 0
    assert finish(client, client.create(NewTool(source=str(folder)))[1]).status == "ready"

    def missing() -> bool:
        remove_images(config)
        environment = client._installation.store.list_environments()[0]
        asyncio.run(DockerEngine(config).shut_down())
        return not asyncio.run(DockerEngine(config).has(environment))

    assert missing()
    assert client.pull("probe").number == 1
    ran = client.wait(client.run(NewRun(tool="probe", arguments=["x"])).number)
    assert client.read_output(ran.number, "stdout") == b"x\n"
    assert missing()
    ran = client.wait(client.run(NewRun(tool="probe", arguments=["y"])).number)
    assert client.read_output(ran.number, "stdout") == b"y\n", "it is not pulled by itself"
