"""Two servers of two users over one PostgreSQL: they share a tool, and nothing more."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest


class Person:
    """Somebody with a server of their own."""

    def __init__(self, server: Any, token: str) -> None:
        self._api = server.url.rstrip("/") + "/tooinstance/api"
        self._client = httpx.Client(headers={"Authorization": f"token {token}"}, timeout=60)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._client.request(method, self._api + path, **more)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.ask("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end_of(self, path: str) -> None:
        """Follow events to their end."""
        with self._client.stream("GET", self._api + path) as answer:
            assert answer.status_code == 200
            for _ in answer.iter_lines():
                pass

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a tool that writes files."""
    folder = tmp_path / "probe"
    folder.mkdir()
    (folder / "probe").write_text(
        '#!/bin/sh\ncase "$1" in\n  --help) echo "Usage: probe" ;;\n'
        '  write) shift; for name in "$@"; do echo "of $name" > "$name"; done ;;\nesac\n'
    )
    (folder / "probe").chmod(0o755)
    return folder


@pytest.fixture
def people(
    start_server: Callable[..., Any], postgres: Callable[[], str], tmp_path: Path
) -> Iterator[dict[str, Person]]:
    url = postgres()
    people = {}
    for name in ("ada", "grace", "mallory"):
        server = start_server(
            home=tmp_path / name,
            database_url=url,
            users={f"token-of-{name}": {"name": name}},
            config={"TooInstance": {"identity": "server", "engine": "process"}},
            local_sources=True,
        )
        people[name] = Person(server, f"token-of-{name}")
    yield people
    for person in people.values():
        person.close()


def test_a_tool_is_shared_with_one_person_who_runs_it_on_another_server(
    people: dict[str, Person], folder: Path
) -> None:
    ada, grace, mallory = (people[name] for name in ("ada", "grace", "mallory"))
    made = ada.ask(
        "POST", "/tools", json={"source": str(folder), "name": "probe", "access": ["grace"]}
    )
    assert made.status_code == 201, made.text
    ada.end_of(f"/versions/{made.json()['version']['id']}/events")

    [found] = grace.get("/tools", scope="shared")["items"]
    assert (found["tool"]["owner"], found["tool"]["name"]) == ("ada", "probe")
    begun = grace.ask(
        "POST", "/runs", json={"tool": "ada/probe", "arguments": ["write", "a.txt", "b c.txt"]}
    )
    assert begun.status_code == 201, begun.text
    number = begun.json()["number"]
    grace.end_of(f"/runs/{number}/events")
    run = grace.get(f"/runs/{number}")
    assert (run["status"], run["owner"]) == ("succeeded", "grace")
    archive = grace.ask("GET", f"/runs/{number}/archive", params={"format": "zip"})
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert opened.testzip() is None
        contents = {name: opened.read(name) for name in opened.namelist()}
    assert any(name.endswith("b c.txt") for name in contents)
    assert b"of a.txt\n" in contents.values()
    assert grace.ask("GET", f"/runs/{number}/files/a.txt").content == b"of a.txt\n"

    assert mallory.ask("GET", "/tools/ada/probe").status_code == 404
    assert mallory.ask("GET", f"/runs/{number}").status_code == 404
    for scope in ("mine", "shared", "public", "all"):
        assert mallory.get("/tools", scope=scope)["items"] == []
    assert mallory.get("/runs", scope="all")["items"] == []
    assert grace.get("/tools", scope="public")["items"] == []
    # whoever owns the tool does not see what others run with it
    assert ada.ask("GET", f"/runs/{number}").status_code == 404
