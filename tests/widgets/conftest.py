"""A real kernel with the extension and a tool whose options are known, to open panels in."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from jupyter_client.manager import start_new_kernel

from tests.magics.conftest import PATIENCE_S, Cell, Kernel
from tooinstance_jupyter.records import new_id

# a shared machine may be slow
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

HOSTILE = "<img src=x onerror=alert(1)>"
WEATHER = f"""
import argparse, os, sys, time

parser = argparse.ArgumentParser(prog="weather", description="Tell the weather")
parser.add_argument("city", help="which {HOSTILE}")
parser.add_argument("-n", "--days", type=int, default=2, help="how many days (default: 2)")
parser.add_argument("--unit", choices=["celsius", "kelvin"], help="of the temperature")
parser.add_argument("-v", "--verbose", action="store_true", help="say more")
parser.add_argument("--tag", action="append", help="may be given again")
parser.add_argument("--pause", type=float, default=0.0, help="seconds between days")
parser.add_argument("--table", metavar="FILE", help="of measurements")
args = parser.parse_args()
print(sys.argv[1:], sorted(os.listdir(".")), flush=True)
for day in range(args.days):
    print(f"day {{day + 1}} in {{args.city}}", flush=True)
    time.sleep(args.pause)
open("weather.csv", "w").write("day,degrees\\n1,15\\n")
"""


class PanelKernel(Kernel):
    """A kernel in which panels are opened, looked at and clicked."""

    def until(self, expression: str) -> None:
        """Wait until an expression is true in the kernel."""
        deadline = time.monotonic() + PATIENCE_S
        while self.ask(f"bool({expression})") != "True":
            assert time.monotonic() < deadline, f"never true: {expression}; {self.troubles()}"

    def troubles(self) -> str:
        return self.ask("panel._trouble.value[-600:]")

    def click(self, button: str) -> None:
        """Click as a front end does: by a message to the button's model."""
        model = self.ask(f"panel.{button}.model_id")
        content = {"comm_id": model, "data": {"method": "custom", "content": {"event": "click"}}}
        message = self.client.session.msg("comm_msg", content)
        self.client.shell_channel.send(message)

    def beside(self, line: str) -> tuple[str, Cell]:
        """Run a line whose panel stands beside its display; it is ``panel``."""
        cell_id = new_id()
        message_id, cell = self.execute_in(cell_id, line)
        assert cell.status == "ok", cell.errors
        self.run("from tooinstance_jupyter.widgets import panel as panels")
        self.run(f"panel = panels._open_in[{cell_id!r}]")
        return message_id, cell

    def execute_in(self, cell_id: str, code: str) -> tuple[str, Cell]:
        """Run code as the cell of a notebook."""
        content = {"code": code, "silent": False, "store_history": True,
                   "user_expressions": {}, "allow_stdin": True, "stop_on_error": True}  # fmt: skip
        message = self.client.session.msg("execute_request", content)
        message["metadata"]["cellId"] = cell_id
        self.client.shell_channel.send(message)
        message_id = message["header"]["msg_id"]
        return message_id, self.follow(message_id)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("widgets")
    (root / "weather").mkdir()
    (root / "weather" / "weather.py").write_text(WEATHER)
    return root


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Iterator[PanelKernel]:
    env: dict[str, Any] = {**os.environ, "TOOINSTANCE_HOME": str(folder / "home")}
    manager, client = start_new_kernel(env=env, cwd=str(folder))
    kernel = PanelKernel(manager, client)
    try:
        assert kernel.run("%load_ext tooinstance_jupyter").status == "ok"
        made = kernel.run(f"%tooi create {folder}/weather --name weather --description '{HOSTILE}'")
        assert made.status == "ok", made.errors
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
