"""A client on a home of its own, and a tool of shell that needs no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import Principal, Version, VersionStatus
from tooinstance_jupyter.requests import NewTool

SCRIPT = """#!/bin/sh
case "$1" in
  --help) echo "Usage: probe COMMAND" ;;
  fail) echo sorry >&2; exit 3 ;;
  write) shift; for name in "$@"; do echo "of $name" > "$name"; done ;;
  cat) cat ;;
  change) echo changed > "$2" ;;
  env) env ;;
  slow) for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.1; done ;;
  sleep) echo ready; sleep 100 ;;
  *) echo "$@" ;;
esac
"""


@pytest.fixture
def config(tmp_path: Path) -> TooInstance:
    return TooInstance(home=str(tmp_path / "home"), cancel_grace_s=0.2)


@pytest.fixture
def open_client(config: TooInstance) -> Iterator[Callable[..., LocalClient]]:
    """Return a function that opens a client on the same home, for a principal."""
    clients: list[LocalClient] = []

    def open_one(name: str = "ada", **principal: object) -> LocalClient:
        clients.append(LocalClient(config, Principal(name=name, **principal)))  # type: ignore[arg-type]
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture
def client(open_client: Callable[..., LocalClient]) -> LocalClient:
    return open_client()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the tool."""
    folder = tmp_path / "probe"
    folder.mkdir()
    (folder / "probe").write_text(SCRIPT)
    (folder / "probe").chmod(0o755)
    return folder


@pytest.fixture
def probe(client: LocalClient, folder: Path) -> Version:
    """The tool, ready."""
    return finish(client, client.create(NewTool(source=str(folder)))[1])


@pytest.fixture(name="finish")
def finish_fixture() -> Callable[[LocalClient, Version], Version]:
    """Return `finish`."""
    return finish


def finish(client: LocalClient, version: Version) -> Version:
    """Follow a build to its end."""
    for event in client.follow_build(version.id):
        if isinstance(event, Version):
            version = event
    assert version.status in (VersionStatus.READY, VersionStatus.FAILED, VersionStatus.CANCELLED)
    return version
