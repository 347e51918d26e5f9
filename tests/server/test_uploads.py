"""Input files that are sent with a run: taken as they are, refused where they must be, cleared."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.servers import Server

from .conftest import Person


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"upload_max_bytes": 1_000_000, "request_max_bytes": 10_000}


def form(*arguments: str) -> dict[str, str]:
    return {"run": json.dumps({"tool": "ada/probe", "arguments": list(arguments)})}


def eventually_empty(folder: Path) -> bool:
    until = time.monotonic() + 10
    while (left := [one.name for one in folder.iterdir() if one.name != "alive"]) and (
        time.monotonic() < until
    ):
        time.sleep(0.02)
    return not left


def test_files_and_standard_input_reach_the_run(ada: Person, uploads: Path) -> None:
    files = [
        ("input", ("a b.txt", b"x" * 100_000)),
        ("input", ("ä;=\U0001f600.bin", bytes(range(256)))),
        ("stdin", ("stdin", b"hello\0\xff")),
    ]
    begun = ada.ask("POST", "runs", data=form("cat"), files=files)
    assert begun.status_code == 201, begun.text
    run = ada.finished(begun.json()["number"])
    assert {one["path"]: one["size_bytes"] for one in run["inputs"]} == {
        "a b.txt": 100_000,
        "ä;=\U0001f600.bin": 256,
    }
    assert ada.ask("GET", f"runs/{run['number']}/stdout").content == b"hello\0\xff"
    assert eventually_empty(uploads)
    again = ada.ask("POST", f"runs/{run['number']}/rerun")
    assert again.status_code == 201, again.text
    assert len(ada.finished(again.json()["number"])["inputs"]) == 2


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", ".", "..", "a/b", "a\\b", "a\tb", "x" * 256, ""]
)
def test_a_name_that_is_none_of_a_file_is_refused(ada: Person, uploads: Path, name: str) -> None:
    body = (
        f'--b\r\nContent-Disposition: form-data; name="run"\r\n\r\n{form()["run"]}\r\n'
        f'--b\r\nContent-Disposition: form-data; name="input"; filename="'
        + name.replace("\\", "\\\\")
        + '"\r\n\r\ncontent\r\n--b--\r\n'
    ).encode()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = ada.ask("POST", "runs", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "input_name")
    assert eventually_empty(uploads)


def test_two_files_of_one_name_are_refused(ada: Person) -> None:
    files = [("input", ("a.txt", b"1")), ("input", ("a.txt", b"2"))]
    answer = ada.ask("POST", "runs", data=form(), files=files)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "input_name")


def test_more_than_is_taken_is_refused_before_it_is_sent(ada: Person, server: Server) -> None:
    parts = urlsplit(server.url)
    for kind in ("multipart/form-data; boundary=b", "application/json"):
        with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as end:
            end.settimeout(20)
            end.sendall(
                f"POST {parts.path}tooinstance/api/runs HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: token ada-token\r\nContent-Type: {kind}\r\n"
                "Content-Length: 100000000\r\n\r\n".encode()
            )
            assert end.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_more_than_is_taken_is_refused_while_it_is_sent(ada: Person, uploads: Path) -> None:
    def pieces() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="input"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 50_000
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = ada.ask("POST", "runs", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert eventually_empty(uploads)


def test_a_client_that_vanishes_leaves_nothing(ada: Person, server: Server, uploads: Path) -> None:
    before = ada.ask("GET", "runs").json()["items"]
    parts = urlsplit(server.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as end:
        end.sendall(
            f"POST {parts.path}tooinstance/api/runs HTTP/1.1\r\nHost: localhost\r\n"
            "Authorization: token ada-token\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            "Content-Length: 100000\r\n\r\n--b\r\nContent-Disposition: form-data; "
            'name="input"; filename="a"\r\n\r\nhalf'.encode()
        )
        until = time.monotonic() + 10
        while not list(uploads.glob("*/inputs/a")):
            assert time.monotonic() < until, "the upload does not arrive"
            time.sleep(0.01)
    assert eventually_empty(uploads)
    assert ada.ask("GET", "runs").json()["items"] == before


def test_a_form_that_is_cut_off_is_refused(ada: Person, uploads: Path) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for body in (b"--b\r\nContent-Disposition: form-data; name", b"nothing", b"--b--\r\n"):
        answer = ada.ask("POST", "runs", content=body, headers=headers)
        assert answer.status_code in (400, 422), answer.text
    assert eventually_empty(uploads)
