"""A real kernel with a home of its own, and a tool that does what its arguments say."""

from __future__ import annotations

import json
import os
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from tests.servers import TOKEN, Server

PATIENCE_S = 60
PROBE = r"""#!/bin/sh
case "$1" in
  args) shift; for word in "$@"; do printf '[%s]\n' "$word"; done ;;
  cat) cat ;;
  fail) echo "bad luck" >&2; exit 3 ;;
  both) echo out; echo err >&2 ;;
  wait) echo begun; sleep 300 & wait ;;
  slow) for i in 1 2 3 4 5; do echo "line $i"; sleep "${2:-0.3}"; done ;;
  write) echo "a,b" > table.csv; mkdir -p sub; echo x > "sub/-rf" ;;
  secret) echo "it is $PROBE_TOKEN" ;;
  escape) printf '\033]0;owned\007plain<script>alert(1)</script>\n' ;;
  ls) ls ;;
  *) echo "usage: probe COMMAND" ;;
esac
"""


@dataclass
class Cell:
    """What a kernel sent for one cell."""

    status: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [m["content"] for m in self.messages if m["msg_type"] == kind]

    @property
    def stdout(self) -> str:
        return "".join(c["text"] for c in self.of("stream") if c["name"] == "stdout")

    @property
    def errors(self) -> str:
        return "\n".join("\n".join(c["traceback"]) for c in self.of("error"))

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The outputs that a notebook keeps: updates replace what they update."""
        kept: list[dict[str, Any]] = []
        places: dict[str, int] = {}
        for message in self.messages:
            content = message["content"]
            place = content.get("transient", {}).get("display_id")
            if message["msg_type"] == "update_display_data":
                kept[places[place]] = content["data"]
            elif message["msg_type"] in ("display_data", "execute_result"):
                if place is not None:
                    places[place] = len(kept)
                kept.append(content["data"])
        return kept


class Kernel:
    """A kernel that cells are typed into."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        # what a panel shows comes to its own cell while another one is followed
        self._of_others: list[Any] = []

    def start(self, code: str) -> str:
        return str(self.client.execute(code))

    def follow(
        self,
        message_id: str,
        until: Callable[[Cell], bool] = lambda cell: bool(cell.status),
        cell: Cell | None = None,
    ) -> Cell:
        cell = cell or Cell()
        deadline = time.monotonic() + PATIENCE_S
        earlier, self._of_others = self._of_others, []
        while not until(cell):
            assert time.monotonic() < deadline, f"nothing more came: {cell}"
            try:
                message = earlier.pop(0) if earlier else self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") != message_id:
                self._of_others.append(message)
                continue
            cell.messages.append(message)
            if message["content"].get("execution_state") == "idle":
                cell.status = self.reply(message_id)["status"]
        self._of_others += earlier
        return cell

    def run(self, code: str) -> Cell:
        return self.follow(self.start(code))

    def ask(self, expression: str) -> str:
        cell = self.run(f"print({expression}, end='')")
        assert cell.status == "ok", cell.errors
        return cell.stdout

    def inspect(self, code: str) -> str:
        return str(self.reply(self.client.inspect(code, len(code)))["data"]["text/plain"])

    def complete(self, code: str) -> list[str]:
        content = self.reply(self.client.complete(code, len(code)))
        return [code[: content["cursor_start"]] + match for match in content["matches"]]

    def reply(self, message_id: str) -> dict[str, Any]:
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE_S)
            if reply["parent_header"].get("msg_id") == message_id:
                return dict(reply["content"])


class ServerKernel:
    """A kernel that a server started."""

    def __init__(self, server: Server) -> None:
        self._http = httpx.Client(
            base_url=server.url, headers={"Authorization": f"token {TOKEN}"}, timeout=PATIENCE_S
        )
        self._id = self._http.post("api/kernels", json={}).raise_for_status().json()["id"]
        file = server.folder / "runtime" / f"kernel-{self._id}.json"
        until = time.monotonic() + PATIENCE_S
        while not file.exists():
            assert time.monotonic() < until, "the kernel does not start"
            time.sleep(0.05)
        client = BlockingKernelClient()
        client.load_connection_info(json.loads(file.read_text()))
        client.start_channels()
        _wait_until_it_listens(client)
        self.kernel = Kernel(None, client)  # type: ignore[arg-type]
        assert self.kernel.run("%load_ext tooinstance_jupyter").status == "ok"

    def shut_down(self) -> None:
        if self._http.is_closed:
            return
        self.kernel.client.stop_channels()
        self._http.delete(f"api/kernels/{self._id}")
        self._http.close()


def _wait_until_it_listens(client: BlockingKernelClient) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        assert time.monotonic() < until, "the kernel does not answer"
        client.kernel_info()
        with suppress(queue.Empty):
            client.get_iopub_msg(timeout=1)
            return


@dataclass(frozen=True)
class Place:
    """A home, the folder that the kernel works in, and the probe's source."""

    home: Path
    folder: Path
    probe: Path

    def kernel(self) -> Kernel:
        env = {**os.environ, "TOOINSTANCE_HOME": str(self.home), "PROBE_TOKEN": "tok-9f3a-sesame"}
        manager, client = start_new_kernel(env=env, cwd=str(self.folder))
        return Kernel(manager, client)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("magics")
    made = Place(root / "home", root / "folder", root / "probe")
    made.folder.mkdir()
    made.probe.mkdir()
    script = made.probe / "probe.sh"
    script.write_text(PROBE)
    script.chmod(0o755)
    return made


@pytest.fixture(scope="module")
def kernel(place: Place) -> Iterator[Kernel]:
    kernel = place.kernel()
    try:
        loaded = kernel.run("%load_ext tooinstance_jupyter")
        assert loaded.status == "ok", loaded.errors
        made = kernel.run(f"%tooi create {place.probe} --name probe")
        assert made.status == "ok", made.errors
        yield kernel
    finally:
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server]) -> Server:
    return start_server()


@pytest.fixture(scope="module")
def kernels(server: Server) -> Iterator[Callable[[], ServerKernel]]:
    """Return a function that starts a kernel on the server."""
    begun: list[ServerKernel] = []

    def start() -> ServerKernel:
        begun.append(ServerKernel(server))
        return begun[-1]

    yield start
    for kernel in begun:
        kernel.shut_down()
