"""Why no container engine answers is told apart, over real sockets, and said by the choice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.containers import daemon
from tooinstance_jupyter.service.engines import Engines

ENGINE = b"HTTP/1.0 200 OK\r\nApi-Version: 1.47\r\nContent-Length: 2\r\n\r\nOK"


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "TOOINSTANCE_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))


@pytest.fixture
def answering(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[bytes | None], Path]]:
    """Return a function that serves one answer, or none at all, on a socket that is DOCKER_HOST."""
    servers: list[socket.socket] = []

    def serve(answer: bytes | None) -> Path:
        path = tmp_path / "docker.sock"
        server = socket.socket(socket.AF_UNIX)
        servers.append(server)
        server.bind(str(path))
        server.listen()
        if answer is not None:
            threading.Thread(target=_answer, args=(server, answer), daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        return path

    yield serve
    for server in servers:
        server.close()


def _answer(server: socket.socket, answer: bytes) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            client.recv(4096)
            client.sendall(answer)


def told() -> tuple[str, str]:
    problem = daemon.problem()
    assert problem is not None, "an engine answers that is none"
    assert "--engine process" in problem.hint
    assert daemon.is_there() is False
    return problem.error_code, problem.message


def test_an_engine_that_answers_is_no_problem(answering: Callable[[bytes], Path]) -> None:
    answering(ENGINE)
    assert daemon.problem() is None
    assert daemon.is_there()


def test_a_socket_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    assert told() == ("engine_unavailable", f"There is no socket {tmp_path}/none.")


def test_a_socket_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as bound:
        bound.bind(str(tmp_path / "refuses"))  # and nobody listens
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/refuses")
    code, message = told()
    assert (code, "refused" in message) == ("engine_unavailable", True), message


def test_an_engine_that_is_silent_is_said(answering: Callable[[bytes | None], Path]) -> None:
    answering(None)
    code, message = told()
    assert (code, "does not answer within" in message) == ("engine_unavailable", True), message


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 200 OK\r\nServer: nginx\r\n\r\nhello", b"220 mail\r\n", b""]
)
def test_something_that_is_no_engine_is_said(
    answering: Callable[[bytes], Path], answer: bytes
) -> None:
    answering(answer)
    code, message = told()
    assert (code, "no container engine" in message) == ("engine_invalid", True), message


def test_a_failure_of_tls_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_answer, args=(server, ENGINE), daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"https://127.0.0.1:{port}")
        assert told()[0] == "engine_tls"
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        assert daemon.problem() is None
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        assert told()[0] == "engine_tls", "without the files of certificates"


def test_an_engine_that_wants_tls_and_is_asked_without_says_so(
    answering: Callable[[bytes], Path],
) -> None:
    said = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    answering(said)
    assert told()[0] == "engine_tls"


def test_the_automatic_choice_says_why_docker_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answering: Callable[[bytes], Path]
) -> None:
    engines = Engines(TooInstance(home=str(tmp_path), engine="auto"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    choice = engines.choose()
    assert choice.name == "process"
    assert choice.why == f"not docker: there is no socket {tmp_path}/none"
    assert "Start it" in choice.hint
    answering(ENGINE)
    assert engines.choose().name == "docker"
