"""Homes of real UNIX users of one machine, who share a database: the answers they get."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import TOKEN, Server, start_server
from tests.unix_accounts import Account, make_account
from tooinstance_jupyter import display
from tooinstance_jupyter.client.discovery import Server as KnownServer
from tooinstance_jupyter.client.http import HttpClient
from tooinstance_jupyter.errors import OutputElsewhereError
from tooinstance_jupyter.results import RunResult

ADA, BOB = 54_321, 54_322
SCRIPT = """#!/bin/sh
case "$1" in
  --help) echo "Usage: probe COMMAND" ;;
  write) echo "of $2" > "$2"; echo written ;;
  sleep) echo ready; sleep 100 ;;
  *) echo "$@" ;;
esac
"""
# what all code begins with: a client of a principal, on a home and the database that all share
PRELUDE = """
from pathlib import Path
from tooinstance_jupyter import display, errors
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import Principal, Version
from tooinstance_jupyter.requests import NewRun, NewTool, RunChanges, ToolChanges

client = LocalClient(
    TooInstance(home={home!r}, database_url={database!r}, min_free_disk_percent=0.0),
    Principal(name={name!r}),
)

def finish(version):
    for event in client.follow_build(version.id):
        if isinstance(event, Version):
            version = event
    return version

def refused(do):
    try:
        do()
    except errors.TooInstanceError as error:
        return [type(error).__name__, error.error_code, int(error.status), str(error)]
    return None
"""
Code = Callable[..., str]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that all users can enter and write to."""
    folder = Path(tempfile.mkdtemp(prefix="tooinstance-users-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def ada(place: Path) -> Account:
    return make_account(ADA, place / "ada")


@pytest.fixture
def bob(place: Path) -> Account:
    return make_account(BOB, place / "bob")


@pytest.fixture
def code(place: Path) -> Code:
    """Return a function that puts the prelude before code: who asks, and in which home."""
    database = place / "shared.sqlite"

    def whole(account: Account, body: str, *, home: Path | None = None, name: str = "") -> str:
        names = {ADA: "ada", BOB: "bob"}
        told = {
            "home": str(home or account.home / "tools"),
            "database": f"sqlite:///{database}",
            "name": name or names[account.uid],
        }
        after = f"\nimport os\nfor path in Path({str(place)!r}).glob('shared.sqlite*'):\n"
        after += "    if path.stat().st_uid == os.geteuid(): path.chmod(0o666)\n"
        return PRELUDE.format(**told) + textwrap.dedent(body) + after

    return whole


@pytest.fixture
def probe(place: Path, ada: Account) -> Path:
    """The folder of a tool, which is ada's and which everybody can read."""
    folder = place / "probe"
    folder.mkdir()
    (folder / "probe").write_text(SCRIPT)
    (folder / "probe").chmod(0o755)
    ada.owns(folder)
    return folder


@pytest.fixture
def shared(ada: Account, code: Code, probe: Path) -> int:
    """The number of a run of ada's tool; both are shared with bob."""
    body = f"""
        version = finish(client.create(NewTool(source={str(probe)!r}))[1])
        # who a terminal says that he is, without an entry in the system's list of users
        who = ("bob", "{BOB}")
        client.update("probe", ToolChanges(access=who))
        run = client.wait(client.run(NewRun(tool="probe", arguments=["write", "a.txt"])).number)
        client.update_run(run.number, RunChanges(access=who))
        shown = client.read_output(run.number, "stdout").decode()
        client.close()
        tell([version.status, run.status, shown, run.number])
    """
    status, ended, shown, number = ada.tell(code(ada, body))
    assert (status, ended, shown) == ("ready", "succeeded", "written\n")
    return int(number)


def test_what_another_users_run_wrote_is_elsewhere(
    shared: int, bob: Account, code: Code, place: Path
) -> None:
    body = f"""
        shown = display.run_bundle(client, client.get_run({shared}))["text/plain"]
        told = [
            refused(lambda: client.read_output({shared}, "stdout")),
            refused(lambda: client.file_path({shared}, "a.txt")),
            refused(lambda: client.read_file({shared}, "a.txt")),
        ]
        client.close()
        tell([shown, told])
    """
    shown, told = bob.tell(code(bob, body))
    assert "is in another home" in shown
    assert "where ada ran it" in shown
    for kind, error_code, status, _ in told:
        assert (kind, error_code, status) == ("OutputElsewhereError", "output_elsewhere", 421)


def test_a_terminal_says_it_and_ends_with_an_error(shared: int, bob: Account, place: Path) -> None:
    (place / "jupyter_tooinstance_config.py").write_text(
        f"c.TooInstance.database_url = 'sqlite:///{place}/shared.sqlite'\n"
    )

    def tooi(*argv: str) -> subprocess.CompletedProcess[str]:
        return bob.run(
            *(bob.python, "-m", "tooinstance_jupyter", *argv), JUPYTER_CONFIG_DIR=str(place)
        )

    number = str(shared)
    for argv in (("logs", number), ("files", number, "--to", "copied"), ("export", number)):
        ended = tooi(*argv)
        assert ended.returncode != 0, (argv, ended.stdout)
        assert "in another home" in ended.stderr, (argv, ended.stderr)
    for argv in (("run-show", number), ("files", number)):
        ended = tooi(*argv)
        assert "in another home" in ended.stdout, (argv, ended)
    ended = tooi("run", "ada/probe")
    assert ended.returncode != 0
    assert "Permission denied on its folder" in ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_may_not_be_read_in_one_home_is_forbidden_and_stays(
    ada: Account, bob: Account, code: Code, probe: Path, place: Path
) -> None:
    home = place / "common"
    home.mkdir()
    made = f"""
        import os
        os.umask(0)
        version = finish(client.create(NewTool(source={str(probe)!r}))[1])
        run = client.wait(client.run(NewRun(tool="probe", arguments=["write", "a.txt"])).number)
        going = client.run(NewRun(tool="probe", arguments=["sleep"])).number
        for folder in (client._config.home_path, client._config.runs_path):
            folder.chmod(0o777)
        client._config.builds_path.chmod(0o777)
        client.close()
        tell([run.number, run.id, going])
    """
    ada.owns(home)
    number, run_id, going = ada.tell(code(ada, made, home=home))
    read = f"""
        told = [
            refused(lambda: client.read_output({number}, "stdout")),
            refused(lambda: client.file_path({number}, "a.txt")),
            refused(lambda: client._installation.outputs.archive(client.get_run({number}), "zip")),
        ]
        deleted = refused(lambda: client.delete_run({number}))
        cancelled = refused(lambda: client.cancel({going}))
        told.append(refused(lambda: list(client.follow({going}))))
        status = client.get_run({going}).status
        still = client.get_run({number}).number
        shown = display.run_bundle(client, client.get_run({number}))["text/plain"]
        client.close()
        tell([told, deleted, cancelled, status, still, shown])
    """
    told, deleted, cancelled, status, still, shown = bob.tell(
        code(bob, read, home=home, name="ada")
    )
    ada.tell(code(ada, f"tell(client.cancel({going}).status)", home=home))
    assert (cancelled[:2], status) == (["ForbiddenError", "forbidden"], "running")
    for kind, error_code, status, message in told:
        assert (kind, error_code, status) == ("OutputForbiddenError", "output_forbidden", 403)
        assert str(ADA) in message, "it does not say whose it is"
    assert "permission denied" in shown
    assert deleted[:2] == ["DeletionError", "not_deleted"]
    assert (still, (home / "runs" / run_id).is_dir()) == (number, True)


def test_a_tool_in_another_users_folder_is_an_honest_error(
    shared: int, bob: Account, code: Code
) -> None:
    body = """
        shown = display.tool_bundle(client.tool("ada/probe"))["text/plain"]
        run = refused(lambda: client.run(NewRun(tool="ada/probe")))
        pull = refused(lambda: client.pull("ada/probe"))
        cleared = [one.problem for one in client.collect_garbage(dry_run=False)]
        client.close()
        tell([shown, run, pull, cleared])
    """
    shown, run, pull, cleared = bob.tell(code(bob, body))
    assert "probe@1" in shown
    for kind, error_code, status, message in (run, pull):
        assert (kind, error_code, status) == (
            "EnvironmentForbiddenError",
            "environment_forbidden",
            403,
        )
        assert str(ADA) in message, "it does not say whose it is"
        assert "%tooi create" in message, "nor how to have one of one's own"
    assert cleared == [], "what is another home's is left to it"


def test_the_same_source_built_by_both_runs_for_both(
    shared: int, ada: Account, bob: Account, code: Code, probe: Path
) -> None:
    body = f"""
        version = finish(client.create(NewTool(source={str(probe)!r}))[1])
        run = client.wait(client.run(NewRun(tool="bob/probe", arguments=["hello"])).number)
        told = client.read_output(run.number, "stdout").decode()
        client.close()
        tell([version.status, run.status, told])
    """
    assert bob.tell(code(bob, body)) == ["ready", "succeeded", "hello\n"]
    again = """
        run = client.wait(client.run(NewRun(tool="ada/probe", arguments=["again"])).number)
        told = client.read_output(run.number, "stdout").decode()
        client.close()
        tell([run.status, told])
    """
    assert ada.tell(code(ada, again)) == ["succeeded", "again\n"]


@pytest.mark.parametrize("closed", ["folder", "parent", "file"])
def test_a_folder_that_cannot_be_read_makes_no_tool(
    ada: Account, bob: Account, code: Code, probe: Path, closed: str
) -> None:
    source = probe
    if closed == "parent":
        source = ada.home / "probe"
        shutil.copytree(probe, source)
        ada.owns(source)
    elif closed == "folder":
        probe.chmod(0o700)
    else:
        (probe / "secret.txt").touch(0o600)
        ada.owns(probe)
    body = f"""
        made = []
        told = refused(lambda: made.append(client.create(NewTool(source={str(source)!r}))[1]))
        if made:
            failure = finish(made[0]).failure
            told = ["", failure.code, 403, failure.message + failure.hint]
        client.close()
        tell(told)
    """
    _, error_code, status, message = bob.tell(code(bob, body))
    assert (error_code, status) == ("source_forbidden", 403)
    assert "Permission denied on" in message
    assert "chmod" in message


def test_a_home_that_belongs_to_another_user_is_refused_in_words(
    ada: Account, bob: Account, place: Path
) -> None:
    homes = [ada.home / "tools", place / "closed"]
    homes[1].mkdir(mode=0o755)
    ada.owns(homes[1])
    for home in homes:
        ended = bob.run(bob.python, "-m", "tooinstance_jupyter", "ls", TOOINSTANCE_HOME=str(home))
        assert ended.returncode == 1, ended.stderr
        assert f"The home folder {home}" in ended.stderr
        assert "Permission denied" in ended.stderr
        assert "TOOINSTANCE_HOME" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_garbage_collection_names_what_it_could_not_remove(
    ada: Account, bob: Account, code: Code, place: Path
) -> None:
    home = place / "common"
    for name in ("runs", "builds", "environments"):
        (home / name).mkdir(parents=True)
    for folder in (home, *home.iterdir()):
        folder.chmod(0o777)
    orphan = home / "runs" / ("0" * 32)
    (orphan / "work").mkdir(parents=True)
    (orphan / "work" / "kept").touch()
    ada.owns(orphan)
    orphan.chmod(0o700)
    os.utime(orphan, (0, 0))
    body = """
        told = [[one.name, one.problem] for one in client.collect_garbage(dry_run=False)]
        shown = display.removals_bundle(client.collect_garbage(dry_run=False), dry_run=False)
        client.close()
        tell([told, shown["text/plain"]])
    """
    told, shown = bob.tell(code(bob, body, home=home))
    [[name, problem]] = told
    assert name == orphan.name[:12]
    assert str(ADA) in problem
    assert orphan.is_dir()
    assert "1 of 1 cannot be removed" in shown


def test_a_container_engine_that_this_user_may_not_use_is_said_in_the_status(
    bob: Account, place: Path
) -> None:
    path = place / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0o600)
        variables = {
            "TOOINSTANCE_HOME": str(bob.home / "tools"),
            "TOOINSTANCE_ENGINE": "auto",
            "DOCKER_HOST": f"unix://{path}",
        }
        ended = bob.run(bob.python, "-m", "tooinstance_jupyter", "status", **variables)
    assert ended.returncode == 0, ended.stderr
    assert f"process: not docker: permission denied on {path}" in ended.stdout
    assert "usermod -aG docker" in ended.stdout
    assert "no container engine" not in ended.stdout


@pytest.fixture
def server(bob: Account, place: Path) -> Iterator[Callable[..., Server]]:
    """Return a function that starts a server as a process of bob's, for several people."""
    with ExitStack() as held:

        def start(**more: Any) -> Server:
            folder = place / "server"
            folder.mkdir()
            started = start_server(
                folder,
                users={TOKEN: {"name": "bob"}, "ada-token": {"name": "ada"}},
                database_url=f"sqlite:///{place}/shared.sqlite",
                account=bob,
                **more,
            )
            held.callback(started.kill)
            return started

        yield start


def test_a_server_answers_each_with_a_status_and_a_code_of_its_own(
    shared: int, server: Callable[..., Server], place: Path, ada: Account
) -> None:
    started = server()

    def ask(method: str, path: str, token: str = TOKEN, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"token {token}"}
        return httpx.request(method, f"{started.api}/{path}", headers=headers, timeout=60, **more)

    for path in ("stdout", "files/a.txt", "archive?format=zip", "events", "export?format=zip"):
        answer = ask("GET", f"runs/{shared}/{path}")
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (421, "output_elsewhere"), (path, error)
        assert error["hint"]
    answer = ask("POST", "runs", json={"tool": "ada/probe", "arguments": []})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "environment_forbidden")
    assert ask("GET", "tools/ada/probe").status_code == 200
    assert ask("GET", f"runs/{shared}").status_code == 200, "that it was there can be seen"

    client = HttpClient(KnownServer(url=started.url, token=TOKEN))
    for read in (
        lambda: client.read_output(shared, "stdout"),
        lambda: client.output_size(shared, "stdout"),
        lambda: client.read_file(shared, "a.txt"),
        lambda: client.file_path(shared, "a.txt"),
        lambda: list(client.follow(shared)),
        lambda: RunResult(client, client.get_run(shared)).stdout,
    ):
        with pytest.raises(OutputElsewhereError, match="in another home"):
            read()
    assert client.wait(shared).status == "succeeded", "how it ended can be told all the same"
    assert "another home" in display.run_bundle(client, client.get_run(shared))["text/plain"]
    client.close()

    made = ask("POST", f"runs/{shared}/links", "ada-token", json={})
    token = made.json()["token"]
    page = httpx.get(
        f"{started.url}tooinstance/shared/{token}", headers={"Authorization": f"token {TOKEN}"}
    )
    assert page.status_code == 200
    assert "another home" in page.text
    assert "Downloads" not in page.text, "nothing can be downloaded"

    # the home of the server itself: a folder that somebody closed, then one that has gone
    run_id = ask("GET", f"runs/{shared}").json()["id"]
    moved = started.home / "runs" / run_id
    shutil.copytree(ada.home / "tools" / "runs" / run_id, moved)
    ada.owns(moved)
    moved.chmod(0o700)
    answer = ask("GET", f"runs/{shared}/stdout")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "output_forbidden")
