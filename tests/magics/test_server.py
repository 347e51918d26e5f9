"""The magics in a kernel of a real Jupyter server: what they begin belongs to the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import httpx
from jupyter_client.manager import start_new_kernel

from tests.servers import TOKEN
from tests.servers import Server as RealServer
from tooinstance_jupyter.client.discovery import Server
from tooinstance_jupyter.client.http import HttpClient
from tooinstance_jupyter.requests import Output

from .conftest import Kernel, Place, ServerKernel


def test_a_run_goes_on_when_its_kernel_is_gone(
    server: RealServer, kernels: Callable[[], ServerKernel], place: Place
) -> None:
    first = kernels()
    status = first.kernel.run("s = %tooi status\nprint(s['works'], s['runs'], s['limits'])")
    assert f"through the Jupyter server at {server.url}" in status.stdout, status.errors
    made = first.kernel.run(f"%tooi create {place.probe} --name probe")
    assert made.status == "ok", made.errors
    shown = first.kernel.run("r = %tooi run probe both").shown
    assert "out" in shown[-1]["text/plain"]
    assert first.kernel.ask("(r.stdout, r.stderr, r.exit_code)") == "('out\\n', 'err\\n', 0)"
    message = first.kernel.start("%tooi run probe slow 2")
    cell = first.kernel.follow(
        message, lambda cell: any("line 1" in str(data) for data in cell.shown)
    )
    number = cell.shown[-1]["application/vnd.tooinstance.run.v1+json"]["number"]
    first.shut_down()
    client = HttpClient(Server(url=server.url, token=TOKEN))
    assert client.get_run(number).status == "running"
    events = list(client.follow(number, stdout_offset=0))
    written = b"".join(event.data for event in events if isinstance(event, Output))
    assert written.decode() == "".join(f"line {i}\n" for i in range(1, 6))
    assert events[-1].status == "succeeded"  # type: ignore[union-attr]
    client.close()


def test_sharing_is_typed_and_shown(
    server: RealServer, kernels: Callable[[], ServerKernel], place: Place
) -> None:
    kernel = kernels().kernel
    kernel.run(f"%tooi create {place.probe} --name shared")
    run = kernel.run("r = %tooi run shared args 1")
    assert run.status == "ok", run.errors
    number = kernel.ask("r.number")
    told = text(kernel.run("%tooi share shared bob group:lab"))
    assert "/shared is shared with bob, group:lab." in told
    assert "Nobody named bob has been here yet; they will see it once they come." in told
    assert "shared with group:lab." in text(kernel.run("%tooi unshare shared bob"))
    refused = kernel.run("%tooi unshare shared carol")
    assert "not shared with carol" in refused.errors
    assert "for everybody" in text(kernel.run("%tooi share shared --public"))
    assert "shared with nobody" in text(kernel.run("%tooi unshare shared --all"))
    assert "is shared with bob." in text(kernel.run(f"%tooi share {number} bob"))
    assert f"%tooi unshare {number} bob" in kernel.complete(f"%tooi unshare {number} b")
    shown = text(kernel.run(f"%tooi pin {number}"))
    assert "shared with bob" in shown
    assert "kept for ever" in shown
    assert "kept for ever" not in text(kernel.run(f"%tooi unpin {number}"))
    made = kernel.run(f"address = %tooi link {number} --for 1h")
    assert made.status == "ok", made.errors
    page = httpx.get(kernel.ask("address"), headers={"Authorization": f"token {TOKEN}"})
    assert page.status_code == 200
    assert "until" in text(kernel.run(f"%tooi link {number} --list"))
    link = kernel.ask(f"get_ipython().run_line_magic('tooi', 'link {number} --list')[0].id")
    assert "nowhere" in text(kernel.run(f"%tooi link {number} --revoke {link[:8]}"))
    assert "revoked" in text(kernel.run(f"%tooi link {number} --list"))
    me = kernel.ask("get_ipython().run_line_magic('tooi', 'users')[0].name")
    assert f"%tooi share shared {me}" in kernel.complete(f"%tooi share shared {me[:2]}")
    assert kernel.run("%tooi runs --scope shared").status == "ok"
    assert kernel.run("%tooi ls --scope shared").status == "ok"


def text(cell: Any) -> str:
    assert cell.status == "ok", cell.errors
    return str(cell.shown[-1]["text/plain"])


def test_when_the_server_is_killed_the_kernel_works_by_itself_on_the_same_home(
    start_server: Callable[..., RealServer],
) -> None:
    server = start_server()
    runtime = str(server.folder / "runtime")
    manager, client = start_new_kernel(
        env={
            **os.environ,
            "JUPYTER_RUNTIME_DIR": runtime,
            "TOOINSTANCE_HOME": str(server.home),
            "TOOINSTANCE_SERVER_URL": server.url,
        }
    )
    kernel = Kernel(manager, client)
    try:
        # it was this test that started the kernel; a kernel of the server's mostly ends with it
        kernel.run("%load_ext tooinstance_jupyter\nimport os\ndel os.environ['JPY_PARENT_PID']")
        assert "through the Jupyter server" in text(kernel.run("%tooi status"))
        server.kill()
        assert "does not answer" in kernel.run("%tooi ls").errors
        again = text(kernel.run("%tooi status"))
        assert "in this process, without a server" in again
        assert str(server.home) in again
        assert kernel.run("%tooi ls").status == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
