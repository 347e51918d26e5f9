"""Which server serves a process: only one that is surely its own, and tokens stay with theirs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.client import connect, discovery
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import InvalidValueError, ServerGoneError

URL = "http://127.0.0.1:8888/"
Told = Callable[..., Path]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Return a function that writes what a server says about itself."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))

    def write(pid: int | None = None, **changes: Any) -> Path:
        pid = os.getpid() if pid is None else pid
        info = {"pid": pid, "url": URL, "token": "sesame", "sock": "", **changes}
        file = tmp_path / f"jpserver-{pid}.json"
        file.write_text(json.dumps(info))
        file.chmod(0o600)
        return file

    return write


def find(server: str = "auto", **environment: str) -> discovery.Found:
    return discovery.find(TooInstance(server=server), environment)


def of_this(**more: str) -> dict[str, str]:
    return {"TOOINSTANCE_SERVER_URL": URL, "JPY_PARENT_PID": str(os.getpid()), **more}


def test_a_kernel_takes_the_server_that_started_it(told: Told) -> None:
    told()
    server = find(**of_this()).server
    assert server is not None
    assert (server.url, server.token) == (URL, "sesame")
    assert "sesame" not in repr(server) + str(server)


def test_a_terminal_takes_a_live_server_of_its_user_with_that_very_url(told: Told) -> None:
    told()
    assert find(TOOINSTANCE_SERVER_URL=URL.rstrip("/")).server is not None
    assert find(TOOINSTANCE_SERVER_URL="http://127.0.0.1:8889/").server is None


@pytest.mark.parametrize(
    ("info", "environment"),
    [
        ({}, {"JPY_PARENT_PID": str(os.getpid())}),
        ({"url": "http://127.0.0.1:9999/"}, of_this()),
        ({"url": URL + "user/eve/"}, of_this()),
        ({}, {**of_this(), "JPY_PARENT_PID": "1"}),
        ({}, {**of_this(), "JPY_PARENT_PID": "../x"}),
        ({"pid": 1}, of_this()),
        ({"pid": "x"}, of_this()),
    ],
)
def test_any_other_server_is_refused(
    told: Told, info: dict[str, Any], environment: dict[str, str]
) -> None:
    file = told()
    file.write_text(json.dumps({**json.loads(file.read_text()), **info}))
    found = find(**environment)
    assert found.server is None
    assert found.why
    assert "sesame" not in found.why


def test_a_dead_server_and_a_file_that_others_may_write_are_refused(told: Told) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    told(ended.pid)
    assert find(TOOINSTANCE_SERVER_URL=URL).server is None
    assert find(TOOINSTANCE_SERVER_URL=URL, JPY_PARENT_PID=str(ended.pid)).server is None
    file = told()
    file.chmod(0o666)
    assert find(**of_this()).server is None
    file.write_text("[" * 100_000)
    file.chmod(0o600)
    assert find(**of_this()).server is None


def test_a_server_on_a_unix_socket_is_found(told: Told) -> None:
    url = "http+unix://%2Ftmp%2Fa.sock/base/"
    told(url=url, sock="/tmp/a.sock")
    server = find(**{**of_this(), "TOOINSTANCE_SERVER_URL": url}).server
    assert server is not None
    assert (server.url, server.socket) == ("http://localhost/base/", "/tmp/a.sock")


def test_on_a_hub_the_hubs_token_goes_to_the_users_own_server_only(told: Told) -> None:
    own = "http://127.0.0.1:8888/user/ada/"
    hub = {"JUPYTERHUB_API_TOKEN": "hub-token", "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}
    told(url=own, token="")
    server = find(**{**of_this(**hub), "TOOINSTANCE_SERVER_URL": own}).server
    assert server is not None
    assert server.token == "hub-token"
    told()
    server = find(**of_this(**hub)).server
    assert server is not None
    assert server.token == "sesame"


def test_on_a_hub_the_users_server_serves_kernels_that_others_began(told: Told) -> None:
    own = "http://127.0.0.1:8888/user/ada/"
    hub = {"JUPYTERHUB_API_TOKEN": "hub-token", "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}
    told(url=own, token="hub-token")
    of_nbconvert = {"TOOINSTANCE_SERVER_URL": own, "JPY_PARENT_PID": "1"}
    assert find(**of_nbconvert).server is None
    server = find(**of_nbconvert, **hub).server
    assert server is not None
    assert (server.url, server.token) == (own, "hub-token")
    assert find(**{**of_nbconvert, **hub, "TOOINSTANCE_SERVER_URL": URL}).server is None


@pytest.mark.parametrize(
    ("listens", "url", "near"),
    [
        ("0.0.0.0", "http://pod-7:8888/user/ada/", "http://127.0.0.1:8888/user/ada/"),
        ("::", "http://pod-7:8888/user/ada/", "http://[::1]:8888/user/ada/"),
        ("0.0.0.0", "https://pod-7:8888/user/ada/", "https://pod-7:8888/user/ada/"),
        ("10.0.0.7", "http://10.0.0.7:8888/user/ada/", "http://10.0.0.7:8888/user/ada/"),
    ],
)
def test_on_a_hub_a_server_that_listens_on_all_addresses_is_asked_on_loopback(
    told: Told, listens: str, url: str, near: str
) -> None:
    hub = {"JUPYTERHUB_API_TOKEN": "hub-token", "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}
    told(url=url, hostname=listens, token="hub-token")
    server = find(**{**of_this(**hub), "TOOINSTANCE_SERVER_URL": url}).server
    assert server is not None
    assert (server.url, server.token) == (near, "hub-token")


@pytest.mark.parametrize(
    ("named", "environment", "token"),
    [
        ("https://far.example/", {}, ""),
        ("https://far.example/", {"TOOINSTANCE_TOKEN": "given"}, "given"),
        (
            "https://far.example/",
            {"TOOINSTANCE_TOKEN": "given", "TOOINSTANCE_SERVER": "https://other.example/"},
            "",
        ),
        ("https://far.example/lab?token=typed", {}, "typed"),
        ("https://far.example/", {"JUPYTERHUB_API_TOKEN": "hub"}, ""),
        (
            "https://hub.example/services/tools/",
            {
                "JUPYTERHUB_API_TOKEN": "hub",
                "JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example/hub/",
            },
            "hub",
        ),
        (
            "https://hub.example.evil.example/",
            {
                "JUPYTERHUB_API_TOKEN": "hub",
                "JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example/hub/",
            },
            "",
        ),
        (URL, {}, "sesame"),
    ],
)
def test_a_named_server_gets_the_token_that_belongs_to_it(
    told: Told, named: str, environment: dict[str, str], token: str
) -> None:
    told()
    found = find(named, **environment)
    assert found.is_asked_for
    assert found.server is not None
    assert found.server.token == token
    assert "typed" not in found.server.url


@pytest.mark.parametrize("named", ["https://a:b@far.example/", "ftp://x/", "nonsense", "http://"])
def test_what_is_no_address_of_a_server_is_refused(named: str) -> None:
    with pytest.raises(InvalidValueError):
        find(named)


def test_none_means_none(told: Told) -> None:
    told()
    assert discovery.find(TooInstance(server="none"), of_this()).server is None


def test_a_server_that_does_not_answer_is_replaced_unless_it_was_asked_for(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        told(url=url)
        monkeypatch.setenv("TOOINSTANCE_SERVER_URL", url)
        monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))
        client = connect(TooInstance(home=str(tmp_path / "home")))
        works = client.describe()["works"]
        client.close()
        assert "in this process" in works
        assert "does not answer" in works
        with pytest.raises(ServerGoneError):
            connect(TooInstance(home=str(tmp_path / "home"), server=url))
