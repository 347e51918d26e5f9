"""A server as a whole: its health, its limits, its links for all, what it tells those who watch."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from jupyter_events import EventLogger
from jupyter_server.auth import User

from tests.servers import Server
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import ForbiddenError
from tooinstance_jupyter.records import Change, ChangeKind
from tooinstance_jupyter.server.emitted import Emitter
from tooinstance_jupyter.server.identity import Identities

from .conftest import Person


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"public_links": True, "streams_per_user": 1, "link_max_days": 1.0}


def test_a_link_is_enough_where_links_are_public(
    ada: Person, people: dict[str, Person], written: int, server: Server
) -> None:
    token = ada.ask("POST", f"runs/{written}/links", json={}).json()["token"]
    nobody = people["nobody"]
    told = nobody.ask("GET", f"shared/{token}")
    assert (told.status_code, told.json()["number"]) == (200, written)
    assert told.json()["access"] == []
    assert nobody.ask("GET", f"shared/{token}/files/a.txt").content == b"of a.txt\n"
    page = nobody.ask("GET", f"{server.url}tooinstance/shared/{token}")
    assert (page.status_code, "ada/probe" in page.text) == (200, True)
    assert nobody.ask("GET", "shared/nothing").status_code == 404
    assert nobody.ask("GET", f"runs/{written}").status_code == 403


def test_more_streams_than_allowed_are_refused_before_they_begin(ada: Person) -> None:
    with ada.http.stream("GET", "changes") as first:
        assert first.status_code == 200
        second = ada.ask("GET", "changes")
        assert (second.status_code, second.json()["error"]["code"]) == (429, "streams")
        assert int(second.headers["Retry-After"]) > 0


def test_what_ended_is_counted_next_to_jupyters_own(
    ada: Person, written: int, server: Server
) -> None:
    assert written
    until = time.monotonic() + 20
    wanted = ('tooinstance_runs_total{status="succeeded"}', 'tooinstance_builds_total{status="rea')
    while True:
        told = ada.ask("GET", f"{server.url}metrics").text
        if all(name in told for name in wanted):
            break
        assert time.monotonic() < until, [line for line in told.splitlines() if "tooi" in line]
        time.sleep(0.05)
    assert "tooinstance_run_duration_seconds_count" in told
    assert "http_request_duration_seconds" in told


def test_changes_are_events_of_jupyters_own_system() -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    async def listen(logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        heard.append((schema_id, data))

    logger = EventLogger()
    emitter = Emitter(logger)
    for kind in ChangeKind:
        schema = f"https://schema.tooinstance.org/jupyter/{kind}/v1"
        assert schema in logger.schemas
        logger.add_listener(schema_id=schema, listener=listen)
    change = Change(id=3, kind=ChangeKind.RUN, subject="7", action="succeeded", owner="ada")

    async def emit() -> None:
        emitter.emit(change)
        await logger.gather_listeners()

    asyncio.run(emit())
    [(schema, data)] = heard
    assert schema.endswith("/run/v1")
    assert data == {
        "id": 3,
        "action": "succeeded",
        "subject": "7",
        "tool_id": None,
        "owner": "ada",
    }


def test_more_changes_in_a_minute_than_allowed_are_refused(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(
        users={"t": {"name": "ada"}}, config={"TooInstance": {"writes_per_minute": 1}}
    )
    with httpx.Client(headers={"Authorization": "token t"}, timeout=60) as client:
        assert client.post(f"{server.api}/gc").status_code == 403
        refused = client.post(f"{server.api}/gc")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate")
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert client.get(f"{server.api}/tools").status_code == 200
        asked = {"arguments": "-v 'a b'"}
        read = [client.post(f"{server.api}/arguments", json=asked) for _ in range(5)]
        assert {answer.status_code for answer in read} == {200}, "who types changes nothing"
        assert read[0].json() == {"argv": ["-v", "a b"], "line": "-v 'a b'", "form": None}


def test_a_database_that_cannot_be_opened_is_told_and_opened_once_it_can(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    database = home / "tooinstance.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('from_the_future')")
    connection.close()
    server = start_server(home=home)
    with httpx.Client(headers={"Authorization": f"token {server.token}"}, timeout=60) as client:
        refused = client.get(f"{server.api}/tools")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "database_newer")
        told = client.get(f"{server.api}/health")
        assert (told.status_code, told.json()["status"]) == (200, "degraded")
        database.unlink()
        until = time.monotonic() + 30
        while client.get(f"{server.api}/tools").status_code != 200:
            assert time.monotonic() < until, "it is not opened again"
            time.sleep(0.2)


def test_a_user_cannot_pass_for_a_service() -> None:
    identities = Identities(TooInstance(identity="server"), object())
    assert identities.principal(User(username="ada")).name == "ada"
    with pytest.raises(ForbiddenError):
        identities.principal(User(username="service:ada"))


def test_all_settings_are_documented() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tooinstance_jupyter.server.extension", "--help-all"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    for name in ("home", "identity", "concurrent_runs_per_user", "upload_max_bytes"):
        assert f"--TooInstance.{name}=" in told
