"""What only a server can do to a client: go away, come back, be far, be on a socket."""

from __future__ import annotations

import socket
import socketserver
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.servers import TOKEN, start_server
from tooinstance_jupyter import errors
from tooinstance_jupyter.client import connection
from tooinstance_jupyter.client.discovery import Server
from tooinstance_jupyter.client.http import HttpClient
from tooinstance_jupyter.records import Run
from tooinstance_jupyter.requests import NewRun, NewTool, Output


class Restartable:
    """A personal server that can be killed and started again at the same address."""

    def __init__(self, folder: Path, probe: Path) -> None:
        self._folder = folder
        self.server = start_server(folder)
        self.port = urlsplit(self.server.url).port
        self.client = HttpClient(Server(url=self.server.url, token=TOKEN))
        _, version = self.client.create(NewTool(source=str(probe), name="probe"))
        assert list(self.client.follow_build(version.id))[-1].status == "ready"  # type: ignore[union-attr]

    def start(self) -> None:
        at = {"ServerApp": {"port": self.port, "port_retries": 0}}
        self.server = start_server(self._folder, config=at)
        assert urlsplit(self.server.url).port == self.port


@pytest.fixture(scope="module")
def restartable(
    tmp_path_factory: pytest.TempPathFactory, probe_folder: Path
) -> Iterator[Restartable]:
    made = Restartable(tmp_path_factory.mktemp("restarted"), probe_folder)
    yield made
    made.client.close()
    made.server.stop()


def test_a_follow_goes_on_after_the_server_was_killed_and_started_again(
    restartable: Restartable,
) -> None:
    client = restartable.client
    run = client.run(NewRun(tool="probe", arguments=["slow"]))
    heard = {"stdout": b"", "stderr": b""}
    last: Run | None = None
    restarts = 0
    for event in client.follow(run.number):
        if isinstance(event, Run):
            last = event
            continue
        assert isinstance(event, Output)
        assert event.offset == len(heard[event.stream]), "bytes came twice or were left out"
        heard[event.stream] += event.data
        if not restarts and b"line 5\n" in heard["stdout"]:
            restarts += 1
            restartable.server.kill()
            threading.Thread(target=restartable.start).start()
    assert restarts == 1
    assert last is not None
    assert last.status == "succeeded", last.message
    assert heard["stdout"].decode() == "".join(f"line {i}\n" for i in range(1, 61))
    assert heard["stderr"].decode() == "".join(f"err {i}\n" for i in range(1, 61))


def test_when_the_server_stays_away_it_is_said_that_the_run_goes_on(
    restartable: Restartable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 1.0)
    client = restartable.client
    run = client.run(NewRun(tool="probe", arguments=["wait"]))
    events = client.follow(run.number)
    assert any(isinstance(event, Output) for event in events)
    restartable.server.kill()
    with pytest.raises(errors.ServerGoneError) as caught:
        list(events)
    assert "goes on" in caught.value.hint
    assert f"%tooi logs {run.number} -f" in caught.value.hint
    with pytest.raises(errors.ServerGoneError):
        client.tools()
    assert TOKEN not in str(caught.value) + repr(caught.value.__cause__)
    restartable.start()
    assert client.get_run(run.number).status == "running"
    assert client.cancel(run.number).status == "cancelled"


def test_large_files_go_up_and_down_with_flat_memory(
    restartable: Restartable, tmp_path: Path
) -> None:
    client = restartable.client
    given = tmp_path / "given.bin"
    with given.open("wb") as file:
        for number in range(60):
            file.write(bytes([number]) * 2**20)
    tracemalloc.start()
    with pytest.raises(errors.InvalidValueError) as caught:
        client.run(NewRun(tool="probe", arguments=["big"], inputs=[given], stdin=given))
    assert caught.value.error_code == "too_large", "both are more than a server takes by default"
    run = client.run(NewRun(tool="probe", arguments=["big"], inputs=[given]))
    run = client.wait(run.number, 60)
    place = client.file_path(run.number, "big.bin")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert run.status == "succeeded", run.message
    assert place.stat().st_size == 30_000_000
    assert peak < 16 * 2**20
    assert client.file_path(run.number, "big.bin") == place, "it is fetched once"
    folder = place.parent.parent
    assert folder.stat().st_mode & 0o077 == 0
    other = HttpClient(Server(url=restartable.server.url, token=TOKEN))
    gone = other.file_path(run.number, "big.bin")
    other.close()
    assert not gone.exists()


def test_what_is_no_unicode_is_refused_before_it_is_sent(
    restartable: Restartable, tmp_path: Path
) -> None:
    client = restartable.client
    with pytest.raises(errors.InvalidValueError) as caught:
        client.run(NewRun(tool="probe", arguments=["args", "a\udcff"]))
    assert caught.value.error_code == "not_unicode"
    named = tmp_path / "a\udcff"
    named.write_text("x")
    with pytest.raises(errors.InvalidValueError) as caught:
        client.run(NewRun(tool="probe", inputs=[named]))
    assert caught.value.error_code == "input_name"


def test_a_wrong_token_is_refused_and_not_repeated(restartable: Restartable) -> None:
    client = HttpClient(Server(url=restartable.server.url, token="sesame-wrong"))
    with pytest.raises(errors.ForbiddenError) as caught:
        client.check()
    assert "sesame" not in str(caught.value)
    client.close()


def test_a_server_without_the_extension_is_told_from_one_without_the_tool(
    restartable: Restartable,
) -> None:
    with pytest.raises(errors.NotFoundError):
        restartable.client.tool("nosuch")
    client = HttpClient(Server(url=restartable.server.url + "elsewhere/", token=TOKEN))
    with pytest.raises(errors.ServerGoneError) as caught:
        client.check()
    assert caught.value.error_code == "extension_missing"
    client.close()


def test_a_server_on_a_unix_socket_is_spoken_to(restartable: Restartable, tmp_path: Path) -> None:
    port = restartable.port

    class Passage(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port or 0)) as there:
                back = threading.Thread(target=_pass_on, args=(there, self.request))
                back.start()
                _pass_on(self.request, there)
                back.join()

    place = str(tmp_path / "s")
    with socketserver.ThreadingUnixStreamServer(place, Passage) as passage:
        threading.Thread(target=passage.serve_forever).start()
        client = HttpClient(Server(url="http://localhost/", token=TOKEN, socket=place))
        client.check()
        run = client.run(NewRun(tool="probe", arguments=["args", "x"]))
        assert client.wait(run.number, 60).status == "succeeded"
        assert client.read_output(run.number, "stdout") == b"[x]\n"
        client.close()
        passage.shutdown()


def _pass_on(reader: socket.socket, writer: socket.socket) -> None:
    with suppress(OSError):
        while piece := reader.recv(2**16):
            writer.sendall(piece)
    with suppress(OSError):  # whatever ended it, the other side waits to hear of it
        writer.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("kind", sorted({k.__name__ for k in connection._CLASSES}))
def test_each_error_comes_back_as_what_it_was(kind: str) -> None:
    raised = getattr(errors, kind)("what happened", "what to do")
    told = {"code": raised.error_code, "message": raised.message, "hint": raised.hint}
    answer = httpx.Response(raised.status, json={"error": told}, headers={"Retry-After": "7"})
    found = connection.error_of(answer, "there")
    assert type(found) is type(raised)
    assert (found.error_code, found.message, found.hint) == tuple(told.values())
    if isinstance(found, errors.TooManyError):
        assert found.retry_after_s == 7
