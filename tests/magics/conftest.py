"""A real kernel with a home of its own, and a tool that does what its arguments say."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

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
