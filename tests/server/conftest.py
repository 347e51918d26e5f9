"""A server of several users, with a tool of shell that needs no network."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import Server

USERS: dict[str, dict[str, Any]] = {
    "ada-token": {"name": "ada"},
    "grace-token": {"name": "grace"},
    "reader-token": {"name": "reader", "read_only": True},
    "root-token": {"name": "root"},
}
SCRIPT = r"""#!/bin/sh
case "$1" in
  --help) echo "Usage: probe COMMAND" ;;
  write) shift; for name in "$@"; do echo "of $name" > "$name"; done ;;
  large) head -c 100000000 /dev/zero > large ;;
  page) printf '<script>alert(1)</script>' > page.html ;;
  cat) cat ;;
  bytes) sleep 1; head -c 300000 /dev/urandom; head -c 100000 /dev/urandom >&2 ;;
  tick) for i in 1 2 3 4 5 6 7 8 9 10; do date +%s.%N; sleep 0.1; done ;;
  wait) echo ready; sleep 60 ;;
  *) echo "$@" ;;
esac
"""


@dataclass(frozen=True)
class Event:
    """An event of a stream."""

    id: str
    event: str
    data: Any
    at: float


class Person:
    """Somebody who uses a server."""

    def __init__(self, server: Server, token: str) -> None:
        self.server = server
        self.http = httpx.Client(
            base_url=server.api + "/",
            headers={"Authorization": f"token {token}"} if token else {},
            timeout=60,
        )

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.http.request(method, path.lstrip("/"), **more)

    def events(self, path: str, **headers: str) -> Iterator[Event]:
        told: dict[str, str] = {}
        with self.http.stream("GET", path.lstrip("/"), headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            for line in answer.iter_lines():
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    told[name] = value
                elif told:
                    data = json.loads(told["data"])
                    yield Event(told["id"], told["event"], data, time.time())
                    told = {}

    def run(self, *arguments: str, **more: Any) -> int:
        answer = self.ask(
            "POST", "runs", json={"tool": "ada/probe", "arguments": list(arguments), **more}
        )
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["number"]
        return number

    def finished(self, number: int) -> dict[str, Any]:
        told: dict[str, Any] = list(self.events(f"runs/{number}/events"))[-1].data
        return told


def output_of(events: list[Event], stream: str) -> bytes:
    """Return what events of output hold of a stream; each must follow on the one before it."""
    found = b""
    for event in events:
        if event.event == "output" and event.data["stream"] == stream:
            assert event.data["offset"] == len(found)
            found += base64.b64decode(event.data["data"])
    return found


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """The settings of the module's server; modules have their own."""
    return {}


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server], settings: dict[str, Any]) -> Server:
    """A server with the tool ``ada/probe``, which all may run."""
    own = {"identity": "server", "engine": "process", "admins": ["root"], **settings}
    return start_server(users=USERS, config={"TooInstance": own}, local_sources=True)


@pytest.fixture(scope="module")
def people(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Person]]:
    """Those who use the server, by name; ``nobody`` has no token, ``liar`` a wrong one."""
    people = {user["name"]: Person(server, token) for token, user in USERS.items()}
    people |= {"nobody": Person(server, ""), "liar": Person(server, "wrong")}
    with ExitStack() as opened:
        for person in people.values():
            opened.enter_context(person.http)
        _make_probe(people["ada"], tmp_path_factory.mktemp("source") / "probe")
        yield people


def _make_probe(ada: Person, folder: Path) -> None:
    folder.mkdir()
    (folder / "probe").write_text(SCRIPT)
    (folder / "probe").chmod(0o755)
    made = ada.ask(
        "POST", "tools", json={"source": str(folder), "name": "probe", "visibility": "public"}
    )
    assert made.status_code == 201, made.text
    [*_, last] = ada.events(f"versions/{made.json()['version']['id']}/events")
    assert last.data["status"] == "ready", last


@pytest.fixture(scope="module")
def ada(people: dict[str, Person]) -> Person:
    return people["ada"]


@pytest.fixture(scope="module")
def grace(people: dict[str, Person]) -> Person:
    return people["grace"]


@pytest.fixture(scope="module")
def written(ada: Person) -> int:
    """The number of a run of ada's that ended, and wrote ``a.txt`` and ``b.txt``."""
    number = ada.run("write", "a.txt", "b.txt")
    assert ada.finished(number)["status"] == "succeeded"
    return number


@pytest.fixture
def uploads(server: Server) -> Path:
    """The folder in which the server puts uploads aside."""
    [folder] = (server.home / "uploads").iterdir()
    return folder
