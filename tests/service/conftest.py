"""A client on a home of its own, and a tool of shell that needs no network."""

from __future__ import annotations

import dataclasses
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tooinstance_jupyter.archives import ArchiveFormat
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import (
    Principal,
    Run,
    RunStatus,
    StreamSize,
    Version,
    VersionStatus,
    now,
)
from tooinstance_jupyter.requests import NewTool
from tooinstance_jupyter.run_directory import RunDirectory
from tooinstance_jupyter.service.installation import Installation
from tooinstance_jupyter.service.outputs import Outputs
from tooinstance_jupyter.store.repository import Store

SCRIPT = """#!/bin/sh
case "$1" in
  --help) echo "Usage: probe COMMAND" ;;
  fail) echo sorry >&2; exit 3 ;;
  write) shift; for name in "$@"; do echo "of $name" > "$name"; done ;;
  cat) cat ;;
  change) echo changed > "$2" ;;
  env) env ;;
  mark) echo "$$" >> starts; echo begun; sleep "$2"; echo over ;;
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
def serve(config: TooInstance) -> Iterator[Callable[[], Installation]]:
    """Return a function that makes this process a server of the home."""
    config.min_free_disk_percent = 0.0  # whatever the machine has
    served: list[Installation] = []

    def serve_one() -> Installation:
        served.append(Installation(config, serves=True))
        return served[-1]

    yield serve_one
    for installation in served:
        installation.close()


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


@pytest.fixture
def store(config: TooInstance) -> Iterator[Store]:
    config.runs_path.mkdir(parents=True, exist_ok=True)
    store = Store(config.database_url)
    yield store
    store.close()


@pytest.fixture
def outputs(config: TooInstance, store: Store) -> Iterator[Outputs]:
    outputs = Outputs(config, store)
    yield outputs
    outputs.close()


@pytest.fixture
def make_run(config: TooInstance, store: Store, tmp_path: Path) -> Callable[..., Run]:
    """Return a function that records a run that wrote files, and has them in its directory."""

    def make(
        files: dict[str, bytes],
        *,
        stdout: bytes = b"out",
        status: RunStatus = RunStatus.SUCCEEDED,
        inputs: dict[str, bytes] | None = None,
        stdin: bytes | None = None,
    ) -> Run:
        given = tmp_path / "given"
        given.mkdir(exist_ok=True)
        for name, content in (inputs or {}).items():
            (given / name).write_bytes(content)
        run = Run(
            owner="ada",
            tool_id=None,
            tool_name="ada/probe",
            version_id=None,
            version_number=1,
            environment_id=None,
            status=status,
        )
        directory = RunDirectory(config.runs_path / run.id)
        placed = directory.create([given / name for name in inputs or {}], stdin)
        for path, content in files.items():
            place = directory.work / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        directory.stream("stdout").write_bytes(stdout)
        directory.stream("stderr").write_bytes(b"")
        found = directory.collect(run.limits, placed) if status.is_final else ()
        kept = len(stdout) if status.is_final else 0
        return store.add_run(
            dataclasses.replace(
                run,
                files=found,
                inputs=placed,
                stdin=None if stdin is None else "stdin",
                stdout=StreamSize(total_bytes=kept, kept_bytes=kept),
                finished_at=now() if status.is_final else None,
            )
        )

    return make


@pytest.fixture(name="unpack")
def unpack_fixture() -> Callable[[ArchiveFormat, Iterator[bytes]], dict[str, bytes]]:
    """Return `unpack`."""
    return unpack


def unpack(format_: ArchiveFormat, chunks: Iterator[bytes]) -> dict[str, bytes]:
    """Return the files of an archive."""
    whole = io.BytesIO(b"".join(chunks))
    if format_ == "zip":
        with zipfile.ZipFile(whole) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(fileobj=whole) as archive:
        found = {}
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None, f"{member.name!r} is no file"
            found[member.name] = file.read()
        return found
