"""The same people at the same work, in this process and through a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import Server as RealServer
from tests.servers import start_server
from tooinstance_jupyter.client.base import Client
from tooinstance_jupyter.client.discovery import Server
from tooinstance_jupyter.client.http import HttpClient
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import Principal, User, Version
from tooinstance_jupyter.requests import NewTool
from tooinstance_jupyter.service.installation import Installation

USERS = {f"{name}-token": {"name": name} for name in ("ada", "bob", "eve")}
OpenClient = Callable[[str], Client]
SCRIPT = r"""#!/bin/sh
case "$1" in
  --help) printf 'Usage: probe COMMAND\n\nOptions:\n  -l, --level N  how far\n' ;;
  args) shift; for word in "$@"; do printf '[%s]\n' "$word"; done ;;
  cat) cat "${2:--}" ;;
  fail) echo sorry >&2; exit 3 ;;
  bytes) head -c 300000 /dev/urandom; head -c 100000 /dev/urandom >&2 ;;
  slow) for i in $(seq 60); do echo "line $i"; echo "err $i" >&2; sleep 0.1; done ;;
  secret) echo "it is $PROBE_TOKEN" ;;
  write) mkdir -p sub; echo x > 'sub/-r f"é.txt'; printf 'a,b\n' > table.csv ;;
  big) head -c 30000000 /dev/zero > big.bin ;;
  wait) echo begun; sleep 300 & wait ;;
  *) echo "usage: probe COMMAND" ;;
esac
"""


@pytest.fixture(scope="session")
def probe_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the tool."""
    folder = tmp_path_factory.mktemp("source") / "probe"
    folder.mkdir()
    (folder / "probe").write_text(SCRIPT)
    (folder / "probe").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A server of several users."""
    server = start_server(
        tmp_path_factory.mktemp("server"),
        users=USERS,
        config={"TooInstance": {"identity": "server", "engine": "process"}},
        local_sources=True,
    )
    yield server
    server.stop()


def client_of(server: RealServer, name: str) -> HttpClient:
    return HttpClient(Server(url=server.url, token=f"{name}-token"))


@pytest.fixture(scope="module", params=["in-process", "http"])
def people(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, probe_folder: Path
) -> Iterator[OpenClient]:
    """Return a function that gives each person a client; ada has the tool ``probe``."""
    clients: dict[str, Client] = {}
    with ExitStack() as opened:
        if request.param == "http":
            server = request.getfixturevalue("server")

            def make(name: str) -> Client:
                return client_of(server, name)
        else:
            config = TooInstance(home=str(tmp_path_factory.mktemp("home")), cancel_grace_s=0.2)
            installation = Installation(config)
            opened.callback(installation.close)

            def make(name: str) -> Client:
                installation.sharing.meet(User(name=name))
                return LocalClient(config, Principal(name=name), installation=installation)

        def client(name: str) -> Client:
            if name not in clients:
                clients[name] = make(name)
                opened.callback(clients[name].close)
                clients[name].tools()
            return clients[name]

        tool, version = client("ada").create(NewTool(source=str(probe_folder)))
        events = client("ada").follow_build(version.id)
        *_, last = (event for event in events if isinstance(event, Version))
        assert last.status == "ready", last
        assert tool.full_name == "ada/probe"
        yield client


@pytest.fixture
def client(people: OpenClient) -> Client:
    """Ada's client, in each form."""
    return people("ada")
